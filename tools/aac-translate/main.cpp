//===- main.cpp - aac-translate: between IR and other formats -------------===//
//
// Exit codes: 0 done; 1 the input is wrong; 2 usage; 3 a bug.
//
//===----------------------------------------------------------------------===//
#include "Translations.h"

#include <CLI/CLI.hpp>
#include <exception>
#include <functional>
#include <iostream>

using namespace aac::tool;

int main(int argc, char **argv) {
  CLI::App app("Translates between the compiler's IR and other formats.", "aac-translate");
  Arguments arguments;
  std::function<absl::Status(const Arguments &)> translation;
  using Translation = decltype(translation);

  CLI::Option_group *kinds = app.add_option_group("Translation", "one of");
  auto addTranslation = [&](const char *flag, const char *help, const Translation &run) {
    kinds->add_flag_callback(flag, [&translation, run] { translation = run; }, help);
  };
  addTranslation("--import-onnx", "ONNX files -> one module of the onnx dialect",
                 translateImportOnnx);
  addTranslation("--export-stream", "a module with a cmd.stream -> a stream file (.aacs)",
                 translateExportStream);
  addTranslation("--import-stream", "a stream file (.aacs) -> a module of the cmd dialect",
                 translateImportStream);
  kinds
      ->add_option(
          "--export-report", arguments.reportFormat,
          "a module with a cmd.stream -> its cost report (text, json), or the schedule "
          "of a task for Perfetto (trace); a suite in codes -> what they take (text, json)")
      ->type_name("FORMAT")
      ->check(CLI::IsMember({"text", "json", "trace"}))
      ->each([&](const std::string &) { translation = translateExportReport; });
  kinds->require_option(1);

  app.add_option("inputs", arguments.inputs,
                 "input files (- is standard input); for --import-onnx TASK=PATH, or a path "
                 "whose stem names the task")
      ->required()
      ->type_name("[TASK=]PATH");
  app.add_option("-o", arguments.output, "output file (default: -, standard output)")
      ->type_name("FILE");
  app.add_option("--task", arguments.task,
                 "of --export-report=trace; may be left out where there is one")
      ->type_name("TASK");
  app.add_flag("--emit-bytecode", arguments.emitBytecode,
               "write MLIR bytecode (the default, except to a terminal)");
  app.add_flag("--text", arguments.emitText, "write MLIR text; weights are printed too")
      ->excludes("--emit-bytecode");
  app.add_flag("--locations", arguments.printLocations, "text with locations (node names)");

  CLI::Option_group *onnx = app.add_option_group("--import-onnx", "its options");
  onnx->add_option("--bind", arguments.bindings,
                   "sizes of free dimensions: [TASK:]INPUT=DxD or SYMBOL=N, comma-separated")
      ->type_name("NAME=SIZES")
      ->expected(1)
      ->take_all();
  onnx->add_flag("--no-fold", arguments.keepUnfolded,
                 "one operation for each live node; do not run aac-fold-onnx");
  onnx->add_flag("--allow-unsupported", arguments.allowUnsupported,
                 "keep unknown nodes as onnx.Unsupported instead of refusing the file");
  app.footer("Example:\n"
             "  aac-translate --import-onnx sst2=sst2.onnx mnli=mnli.onnx -o suite.mlirbc\n"
             "  aac-translate --import-onnx bert.onnx --bind=input_ids:1x128 --text");

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    return app.exit(error) == 0 ? 0 : 2; // --help is not an error
  }
  try {
    if (absl::Status status = translation(arguments); !status.ok()) {
      if (!status.message().empty())
        std::cerr << "aac-translate: error: " << std::string(status.message()) << "\n";
      return 1;
    }
  } catch (const std::exception &error) {
    std::cerr << "aac-translate: internal error: " << error.what() << "\n";
    return 3;
  }
  return 0;
}
