//===- Registers.cpp - aac-sim registers: a stream as register writes ------===//
#include "Commands.h"

#include "aac/Registers/Registers.h"
#include "aac/Support/File.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include <memory>

using namespace aac;

namespace {

struct Options {
  std::string input, output = "-", machine, program, task;
  bool notes = false;
};

template <typename Items> std::string namesOf(const Items &items) {
  return absl::StrJoin(items, ", ", [](std::string *out, const auto &item) {
    absl::StrAppend(out, "'", item.name, "'");
  });
}

/// The programs that the options name, all without.
absl::StatusOr<std::vector<const Program *>> selected(const Options &options,
                                                      const Stream &stream) {
  std::vector<const Program *> programs;
  for (size_t i = 0; i < stream.programs.size(); ++i) {
    bool ofTask = options.task.empty();
    for (const Task &task : stream.tasks)
      ofTask |= task.name == options.task && task.runProgram == static_cast<int32_t>(i);
    if (ofTask && (options.program.empty() || stream.programs[i].name == options.program))
      programs.push_back(&stream.programs[i]);
  }
  if (!programs.empty() || (options.program.empty() && options.task.empty()))
    return programs;
  return absl::InvalidArgumentError(
      options.task.empty()
          ? absl::StrCat("no program '", options.program,
                         "'; there are: ", namesOf(stream.programs))
          : absl::StrCat("no task '", options.task,
                         "' with such a program; there are: ", namesOf(stream.tasks)));
}

std::string linesOf(const std::vector<registers::Line> &lines, bool notes) {
  std::string text;
  for (const registers::Line &line : lines)
    if (line.note.empty())
      absl::StrAppend(&text, registers::print(line.command), "\n");
    else if (notes)
      absl::StrAppend(&text, "# ", line.note, "\n");
  return text;
}

} // namespace

void tool::addRegistersCommand(CLI::App &app) {
  auto options = std::make_shared<Options>();
  CLI::App *command = app.add_subcommand(
      "registers", "Prints a stream as register writes and waits for interrupts, loops unrolled");
  command->add_option("stream", options->input, "Stream file (.aacs), - for stdin")->required();
  command->add_option("-o,--output", options->output, "Text file, - for stdout");
  command->add_option("--machine", options->machine,
                      "Name or file of a machine; without it the one in the stream");
  command->add_option("--program", options->program, "Only the program of this name");
  command->add_option("--task", options->task, "Only the program that runs this task")
      ->excludes("--program");
  command->add_flag("--notes", options->notes,
                    "Comment lines with each instruction, the host's among them");
  command->callback([options] {
    auto [stream, machine] = readStreamFile(options->input, options->machine);
    auto programs = selected(*options, stream);
    if (!programs.ok())
      fail(inFile(options->input, programs.status()));
    std::string text;
    for (const Program *program : *programs) {
      auto lines = registers::expandProgram(*program, machine.engine.semantics);
      if (!lines.ok())
        fail(inFile(options->input, lines.status()));
      if (options->notes)
        absl::StrAppend(&text, "# program ", program->name, "\n");
      text += linesOf(*lines, options->notes);
    }
    if (absl::Status status = writeFileAtomically(options->output, text); !status.ok())
      fail(status);
  });
}
