//===- main.cpp - aac: compile, evaluate and inspect suites ---------------===//
//
// Exit codes: 0 done; 1 the input is wrong or a budget is missed; 2 usage; 3 a bug.
//
//===----------------------------------------------------------------------===//
#include "Commands.h"

#include <exception>
#include <iostream>

int main(int argc, char **argv) {
  CLI::App app("Compiles adapter-based transformer encoders for an NLP accelerator, several "
               "tasks on one backbone, and answers questions about them.",
               "aac");
  app.footer("aac COMMAND --help explains a command. Models are ONNX files; "
             "aac-translate --import-onnx makes IR of them.");
  app.require_subcommand(1);
  app.option_defaults()->always_capture_default(false);
  try {
    aac::tool::addAllCommands(app);
    app.parse(argc, argv);
  } catch (const CLI::RuntimeError &error) {
    return error.get_exit_code();
  } catch (const CLI::ParseError &error) {
    return app.exit(error) == 0 ? 0 : 2; // --help is not an error
  } catch (const std::exception &error) {
    std::cerr << "aac: internal error: " << error.what() << "\n";
    return 3;
  }
  return 0;
}
