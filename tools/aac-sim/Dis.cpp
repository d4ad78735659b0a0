//===- Dis.cpp - aac-sim dis: a stream as text -----------------------------===//
#include "Commands.h"

#include "aac/Stream/Stream.h"
#include "aac/Support/File.h"

#include <memory>

namespace {
struct Options {
  std::string input, output = "-";
};
} // namespace

void aac::tool::addDisCommand(CLI::App &app) {
  auto options = std::make_shared<Options>();
  CLI::App *command = app.add_subcommand("dis", "Prints a stream as text that `as` reads");
  command->add_option("stream", options->input, "Stream file (.aacs), - for stdin")->required();
  command->add_option("-o,--output", options->output, "Text file, - for stdout");
  command->callback([options] {
    auto bytes = readFile(options->input);
    if (!bytes.ok())
      fail(bytes.status());
    auto text = disassemble(*bytes);
    if (!text.ok())
      fail(inFile(options->input, text.status()));
    if (absl::Status status = writeFileAtomically(options->output, *text); !status.ok())
      fail(status);
  });
}
