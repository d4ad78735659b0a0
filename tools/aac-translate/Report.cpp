//===- Report.cpp - --export-report ---------------------------------------===//
#include "Translations.h"

#include "aac/Cost/Report.h"
#include "aac/Machine/Machine.h"
#include "aac/Sim/Timing.h"
#include "aac/Support/File.h"
#include "aac/Target/StreamTarget.h"
#include "aac/Transforms/EncodingReport.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "dialects/AAC/AACDialect.h"

using namespace mlir;

namespace aac::tool {
namespace {

/// The program that runs the task of this name, or the only one.
absl::StatusOr<const Program *> runProgramOf(const Stream &stream, const std::string &task) {
  for (const Task &each : stream.tasks)
    if (each.name == task || (task.empty() && stream.tasks.size() == 1))
      return &stream.programs[each.runProgram];
  std::string known = absl::StrJoin(stream.tasks, ", ", [](std::string *out, const Task &each) {
    absl::StrAppend(out, each.name);
  });
  return absl::InvalidArgumentError(
      task.empty() ? absl::StrCat("a trace is of one task; choose it with --task: ", known)
                   : absl::StrCat("there is no task '", task, "'; the stream has ", known));
}

absl::StatusOr<std::string> traceOf(const Stream &stream, const Machine &machine,
                                    const std::string &task) {
  absl::StatusOr<const Program *> program = runProgramOf(stream, task);
  if (!program.ok())
    return program.status();
  absl::StatusOr<sim::ProgramTiming> timing = sim::timeProgram(**program, machine);
  if (!timing.ok())
    return timing.status();
  return sim::chromeTrace(stream, machine, **program, *timing);
}

/// A suite above the cmd dialect whose parameters are codes; null if the module has none.
ir::SuiteOp findCodes(ModuleOp module) {
  for (ir::SuiteOp suite : module.getOps<ir::SuiteOp>())
    for (ir::ParamOp param : suite.getOps<ir::ParamOp>())
      if (param.getFormat())
        return suite;
  return nullptr;
}

/// The encoding section alone: no schedule is known yet.
absl::StatusOr<std::string> encodingOf(ir::SuiteOp suite, bool json) {
  FailureOr<cost::Encoding> encoding = reportEncoding(suite, nullptr);
  if (failed(encoding))
    return alreadyPrinted();
  return json ? cost::printEncodingJson(*encoding) : cost::printEncodingText(*encoding);
}

absl::StatusOr<std::string> reportOf(ModuleOp module, const Arguments &arguments) {
  if (ir::SuiteOp suite = findCodes(module);
      suite && arguments.reportFormat != "trace" && module.getOps<cmd::StreamOp>().empty())
    return encodingOf(suite, arguments.reportFormat == "json");
  absl::StatusOr<cmd::StreamOp> op = findStream(module);
  if (!op.ok())
    return op.status();
  absl::StatusOr<Stream> stream = translateToStream(*op);
  if (!stream.ok())
    return stream.status();
  absl::StatusOr<Machine> machine = Machine::parse(stream->machine, "machine of the stream");
  if (!machine.ok())
    return machine.status();
  if (arguments.reportFormat == "trace")
    return traceOf(*stream, *machine, arguments.task);
  absl::StatusOr<cost::Report> report = cost::costStream(*stream, *machine);
  if (!report.ok())
    return report.status();
  return arguments.reportFormat == "json" ? cost::printReportJson(*report)
                                          : cost::printReportText(*report);
}

} // namespace

absl::Status translateExportReport(const Arguments &arguments) {
  if (arguments.inputs.size() != 1)
    return absl::InvalidArgumentError(
        absl::StrCat("expected one input file, got ", arguments.inputs.size()));
  auto context = makeContext();
  auto module = readModule(*context, arguments.inputs.front());
  if (!module.ok())
    return module.status();
  absl::StatusOr<std::string> text = reportOf(**module, arguments);
  if (!text.ok() && text.status().message().empty())
    return text.status();
  if (!text.ok())
    return absl::Status(text.status().code(),
                        absl::StrCat(arguments.inputs.front(), ": ", text.status().message()));
  return writeFileAtomically(arguments.output, *text);
}

} // namespace aac::tool
