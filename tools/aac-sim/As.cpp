//===- As.cpp - aac-sim as: text to a stream -------------------------------===//
#include "Commands.h"

#include "aac/Stream/Stream.h"
#include "aac/Support/File.h"

#include <memory>

namespace {
struct Options {
  std::string input, output;
};
} // namespace

void aac::tool::addAsCommand(CLI::App &app) {
  auto options = std::make_shared<Options>();
  CLI::App *command = app.add_subcommand("as", "Makes a stream of the text that `dis` prints");
  command->add_option("text", options->input, "Text file, - for stdin")->required();
  command->add_option("-o,--output", options->output, "Stream file (.aacs), - for stdout")
      ->required();
  command->callback([options] {
    auto text = readFile(options->input);
    if (!text.ok())
      fail(text.status());
    auto bytes = assemble(*text);
    if (!bytes.ok())
      fail(inFile(options->input, bytes.status()));
    if (absl::Status status = writeFileAtomically(options->output, *bytes); !status.ok())
      fail(status);
  });
}
