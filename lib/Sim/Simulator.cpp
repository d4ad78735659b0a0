//===- Simulator.cpp - programs, loops, tasks, errors ----------------------===//
#include "SimulatorImpl.h"

#include "aac/Numerics/Layout.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include <algorithm>
#include <cmath>

namespace aac::sim {
namespace {

using isa::Field;
using isa::Instruction;
using isa::Opcode;

absl::string_view typeName(ElementType type) {
  switch (type) {
  case ElementType::I32:
    return "i32";
  case ElementType::I64:
    return "i64";
  case ElementType::F32:
    return "f32";
  case ElementType::Bool:
    return "bool";
  }
  return "?";
}

std::string shapeText(const std::vector<int64_t> &shape) {
  return absl::StrCat("[", absl::StrJoin(shape, ", "), "]");
}

/// The values of input `spec` among `arrays`.
absl::StatusOr<std::vector<int64_t>> findInput(const Task &task, const TensorSpec &spec,
                                               absl::Span<const NpyArray> arrays) {
  auto found = std::find_if(arrays.begin(), arrays.end(),
                            [&](const NpyArray &array) { return array.name == spec.name; });
  if (found == arrays.end())
    return absl::InvalidArgumentError(absl::StrFormat(
        "task '%s': no array for input '%s' (given: %s)", task.name, spec.name,
        arrays.empty() ? "none"
                       : absl::StrJoin(arrays, ", ", [](std::string *out, const NpyArray &array) {
                           absl::StrAppend(out, "'", array.name, "'");
                         })));
  if (found->shape != spec.shape)
    return absl::InvalidArgumentError(
        absl::StrFormat("task '%s': input '%s' has shape %s, the task takes %s", task.name,
                        spec.name, shapeText(found->shape), shapeText(spec.shape)));
  bool integer = found->kind == 'i' || found->kind == 'u';
  bool wanted = spec.type == ElementType::Bool  ? found->kind == 'b'
                : spec.type == ElementType::F32 ? false
                                                : integer;
  if (spec.type == ElementType::F32)
    return absl::UnimplementedError(
        absl::StrFormat("task '%s': input '%s' is f32; the host reads i32, i64 and bool inputs",
                        task.name, spec.name));
  if (!wanted)
    return absl::InvalidArgumentError(absl::StrFormat(
        "task '%s': input '%s' holds elements of kind '%c' of %d bytes, the task takes %s",
        task.name, spec.name, found->kind, found->itemSize, typeName(spec.type)));
  absl::StatusOr<std::vector<int64_t>> values = found->toInts();
  if (!values.ok())
    return absl::InvalidArgumentError(absl::StrFormat(
        "task '%s': input '%s': %s", task.name, spec.name, std::string(values.status().message())));
  return values;
}

} // namespace

//===----------------------------------------------------------------------===//
// Construction and access
//===----------------------------------------------------------------------===//

Simulator::Impl::Impl(const Stream &stream, const Machine &machine)
    : stream(stream), machine(machine), tiers(machine.tiers), aux(machine.engine.auxRows * 16),
      auxWritten(machine.engine.auxRows) {
  for (int i = 0; i < 2; ++i)
    memories.emplace_back(i, machine.engine.dataRows, machine.engine.maskWords, decoded);
  pool = std::make_unique<ThreadPool>(1);
  statistics.resize(stream.locations.size() + 1);
  for (LocationStatistics &entry : statistics) {
    entry.bytesRead.resize(machine.tiers.size());
    entry.bytesWritten.resize(machine.tiers.size());
  }
  current = &statistics.back();
}

Simulator::Simulator(std::unique_ptr<Impl> impl) : impl(std::move(impl)) {}
Simulator::Simulator(Simulator &&) noexcept = default;
Simulator &Simulator::operator=(Simulator &&) noexcept = default;
Simulator::~Simulator() = default;

absl::StatusOr<Simulator> Simulator::create(const Stream &stream, const Machine &machine) {
  const Engine &engine = machine.engine;
  auto refuse = [&](absl::string_view what) {
    return absl::UnimplementedError(
        absl::StrCat("machine '", machine.name, "': cannot simulate ", what));
  };
  if (engine.semantics != Semantics::Corrected)
    return refuse("programs under semantics PUBLISHED; use a machine with CORRECTED");
  if (engine.vectorSize != 16)
    return refuse(absl::StrCat("vectors of ", engine.vectorSize, " codes, only of 16"));
  if (engine.accumulatorBits != 32)
    return refuse(absl::StrCat("accumulators of ", engine.accumulatorBits, " bits, only of 32"));
  if (engine.sfuBits != kSfuBits || engine.sfuFractionBits != kSfuFractionBits)
    return refuse(absl::StrFormat("SFU words of %d bits, %d of them fraction, only %d and %d",
                                  engine.sfuBits, engine.sfuFractionBits, kSfuBits,
                                  kSfuFractionBits));
  auto impl = std::make_unique<Impl>(stream, machine);
  for (const Image &image : stream.images)
    if (absl::Status status = impl->tiers.writeImage(image.address, image.bytes); !status.ok())
      return absl::Status(status.code(), absl::StrCat("image of tier '", image.tier,
                                                      "': ", std::string(status.message())));
  return Simulator(std::move(impl));
}

int Simulator::activeTask() const { return impl->activeTask; }
int Simulator::entropyStatus() const { return impl->entropyStatus; }
const std::vector<LocationStatistics> &Simulator::statistics() const { return impl->statistics; }

LocationStatistics Simulator::totals() const {
  LocationStatistics sum;
  sum.bytesRead.resize(impl->machine.tiers.size());
  sum.bytesWritten.resize(impl->machine.tiers.size());
  for (const LocationStatistics &entry : impl->statistics) {
    sum.instructions += entry.instructions;
    sum.macs += entry.macs;
    sum.gatedProducts += entry.gatedProducts;
    sum.parameterVectors += entry.parameterVectors;
    sum.nullParameterVectors += entry.nullParameterVectors;
    sum.counts += entry.counts;
    for (size_t i = 0; i < sum.bytesRead.size(); ++i) {
      sum.bytesRead[i] += entry.bytesRead[i];
      sum.bytesWritten[i] += entry.bytesWritten[i];
    }
  }
  return sum;
}

void Simulator::setThreads(int threads) { impl->pool = std::make_unique<ThreadPool>(threads); }

void Simulator::setObserver(std::function<void(const Step &)> observer) {
  impl->observer = std::move(observer);
}

absl::StatusOr<std::vector<uint8_t>> Simulator::readTier(uint64_t address, uint64_t size) const {
  std::vector<uint8_t> bytes(size);
  absl::StatusOr<size_t> tier = impl->tiers.read(address, absl::MakeSpan(bytes));
  if (!tier.ok())
    return tier.status();
  return bytes;
}

EngineContents Simulator::engineContents() const {
  const std::vector<EngineMemory> &m = impl->memories;
  return {{m[0].allRows(), m[1].allRows()}, {m[0].allWords(), m[1].allWords()}, impl->aux};
}

absl::StatusOr<std::vector<float>> Simulator::readValue(const StoredValue &value) const {
  absl::StatusOr<std::vector<uint8_t>> blocks = readTier(value.address, value.bytes());
  if (!blocks.ok())
    return blocks.status();
  std::vector<uint8_t> codes = fromBlockOrder(*blocks, value.rows(), value.columns());
  std::vector<float> result(static_cast<size_t>(value.tokens * value.features));
  int exponent = value.bias + kEngineExponentOffset + value.scale - 4; // of significands
  for (int64_t t = 0; t < value.tokens; ++t)
    for (int64_t f = 0; f < value.features; ++f) {
      int64_t lane =
          value.group ? f / value.group * roundUp(value.group, kLanes) + f % value.group : f;
      size_t at = static_cast<size_t>(value.transposed ? lane * value.columns() + t
                                                       : t * value.columns() + lane);
      result[static_cast<size_t>(t * value.features + f)] =
          std::ldexp(static_cast<float>(significandAdaptivFloat8(codes[at])), exponent);
    }
  return result;
}

absl::Status Simulator::writeTier(uint64_t address, absl::Span<const uint8_t> bytes) {
  impl->tiers.setRunning(false);
  return impl->tiers.writeImage(address, bytes);
}

//===----------------------------------------------------------------------===//
// Tasks
//===----------------------------------------------------------------------===//

absl::Status Simulator::runPowerOn() {
  impl->runningTask = -1;
  for (size_t i = 0; i < impl->stream.programs.size(); ++i)
    if (impl->stream.programs[i].role == ProgramRole::PowerOn)
      if (absl::Status status = impl->runProgram(static_cast<int32_t>(i)); !status.ok())
        return status;
  return absl::OkStatus();
}

absl::Status Simulator::switchTo(int task) {
  const Stream &stream = impl->stream;
  int tasks = static_cast<int>(stream.tasks.size());
  if (task < 0 || task >= tasks)
    return absl::InvalidArgumentError(
        absl::StrFormat("task %d of a stream with %d tasks", task, tasks));
  if (task == impl->activeTask)
    return absl::OkStatus();
  size_t from = impl->activeTask < 0 ? tasks : impl->activeTask;
  size_t entry = from * tasks + task;
  int32_t program = entry < stream.switchTo.size() ? stream.switchTo[entry] : -1;
  impl->runningTask = -1;
  impl->activeTask = -1;
  if (program >= 0)
    if (absl::Status status = impl->runProgram(program); !status.ok())
      return status;
  impl->activeTask = task;
  return absl::OkStatus();
}

absl::StatusOr<std::vector<NpyArray>> Simulator::run(int task, absl::Span<const NpyArray> arrays) {
  const Stream &stream = impl->stream;
  if (task < 0 || task >= static_cast<int>(stream.tasks.size()))
    return absl::InvalidArgumentError(
        absl::StrFormat("task %d of a stream with %d tasks", task, stream.tasks.size()));
  const Task &spec = stream.tasks[task];
  if (task != impl->activeTask)
    return absl::FailedPreconditionError(
        absl::StrFormat("task '%s' is not in: switch to it first", spec.name));
  impl->inputs.clear();
  for (const TensorSpec &input : spec.inputs) {
    absl::StatusOr<std::vector<int64_t>> values = findInput(spec, input, arrays);
    if (!values.ok())
      return values.status();
    impl->inputs.push_back(std::move(*values));
  }
  impl->outputs.assign(spec.outputs.size(), NpyArray());
  impl->outputWritten.assign(spec.outputs.size(), false);
  impl->runningTask = task;
  absl::Status status = impl->runProgram(spec.runProgram);
  impl->runningTask = -1;
  if (!status.ok())
    return status;
  for (size_t i = 0; i < spec.outputs.size(); ++i)
    if (!impl->outputWritten[i])
      return absl::FailedPreconditionError(absl::StrFormat(
          "task '%s': the program wrote no output '%s'", spec.name, spec.outputs[i].name));
  return std::move(impl->outputs);
}

//===----------------------------------------------------------------------===//
// Programs
//===----------------------------------------------------------------------===//

absl::Status Simulator::Impl::addContext(const absl::Status &status, const Program &program,
                                         size_t index) const {
  std::string where;
  if (runningTask >= 0)
    absl::StrAppend(&where, "task '", stream.tasks[runningTask].name, "': ");
  absl::StrAppend(&where, "program '", program.name, "': instruction ", index, " (",
                  isa::print(program.code[index]), ")");
  int32_t location = index < program.location.size() ? program.location[index] : -1;
  if (location >= 0 && location < static_cast<int32_t>(stream.locations.size())) {
    const Location &l = stream.locations[location];
    absl::StrAppend(&where, " of ", l.layer, " ", l.op, " '", l.firstNode(), "'");
  }
  return absl::Status(status.code(), absl::StrCat(where, ": ", std::string(status.message())));
}

absl::Status Simulator::Impl::runProgram(int32_t index) {
  if (index < 0 || index >= static_cast<int32_t>(stream.programs.size()))
    return absl::InvalidArgumentError(
        absl::StrFormat("program %d of a stream with %d programs", index, stream.programs.size()));
  const Program &program = stream.programs[index];
  // What an earlier program left in the engine's memories is not for this one to read.
  for (EngineMemory &memory : memories)
    memory.forget();
  std::fill(auxWritten.begin(), auxWritten.end(), 0);
  accumulatorRows = accumulatorColumns = 0;
  tiers.setRunning(runningTask >= 0);
  if (decodedAfter != tiers.changes())
    decoded.clear();
  decodedAfter = tiers.changes();

  int64_t loopBegin = -1, iteration = 0, count = 0;
  for (size_t i = 0; i < program.code.size(); ++i) {
    const Instruction &in = program.code[i];
    int32_t location = i < program.location.size() ? program.location[i] : -1;
    bool known = location >= 0 && location < static_cast<int32_t>(stream.locations.size());
    current = known ? &statistics[location] : &statistics.back();
    stepCounts = Counts();
    ++current->instructions;

    absl::Status status = isa::validate(in);
    if (status.ok() && in.opcode == Opcode::Loop) {
      if (loopBegin >= 0)
        status = absl::InvalidArgumentError("loops do not nest");
      else if (in.get(Field::Count) < 1)
        status = absl::InvalidArgumentError("a loop of no repetitions");
      loopBegin = static_cast<int64_t>(i);
      iteration = 0;
      count = in.get(Field::Count);
    } else if (status.ok() && in.opcode == Opcode::End) {
      if (loopBegin < 0)
        status = absl::InvalidArgumentError("end without loop");
      else if (++iteration < count)
        i = static_cast<size_t>(loopBegin); // continues after the loop instruction
      else
        loopBegin = -1, iteration = 0;
    } else if (status.ok()) {
      status = execute(in, iteration);
    }
    if (!status.ok())
      return addContext(status, program, i);
    current->counts += stepCounts;
    InstructionPlace place{index, static_cast<int32_t>(i), iteration};
    if (stepCounts.overflows > 0 && current->firstOverflow.program < 0)
      current->firstOverflow = place;
    if (stepCounts.saturations > 0 && current->firstSaturation.program < 0)
      current->firstSaturation = place;
    if (observer && in.opcode != Opcode::Loop && in.opcode != Opcode::End)
      observer(Step{program, i, iteration, stepCounts});
  }
  if (loopBegin >= 0)
    return addContext(absl::InvalidArgumentError("loop without end"), program,
                      static_cast<size_t>(loopBegin));
  return absl::OkStatus();
}

absl::Status Simulator::Impl::execute(const Instruction &in, int64_t iteration) {
  switch (in.opcode) {
  case Opcode::TaskBegin:
  case Opcode::TaskEnd:
    if (in.get(Field::Task) != runningTask)
      return absl::InvalidArgumentError(
          absl::StrFormat("names task %d, but task %d runs", in.get(Field::Task), runningTask));
    return absl::OkStatus();
  case Opcode::Loop: // runProgram's
  case Opcode::End:
  case Opcode::Wait: // everything is done by then
    return absl::OkStatus();
  case Opcode::TierPower: {
    size_t tier = static_cast<size_t>(in.get(Field::Tier));
    if (tier >= machine.tiers.size())
      return absl::OutOfRangeError(
          absl::StrFormat("tier %d of a machine with %d tiers", tier, machine.tiers.size()));
    tiers.setPower(tier, in.get(Field::State) != 0);
    return absl::OkStatus();
  }
  case Opcode::Dvfs:
    if (in.get(Field::Point) >= static_cast<int64_t>(machine.points.size()))
      return absl::OutOfRangeError(absl::StrFormat("operating point %d of a machine with %d",
                                                   in.get(Field::Point), machine.points.size()));
    return absl::OkStatus();
  case Opcode::LoadData:
  case Opcode::LoadMask:
  case Opcode::LoadAux:
  case Opcode::StoreData:
  case Opcode::StoreMask:
  case Opcode::StoreAux:
    return transfer(in, iteration);
  case Opcode::MatMul:
    return matMul(in);
  case Opcode::LayerNorm:
    return layerNorm(in);
  case Opcode::Softmax:
    return softmax(in);
  case Opcode::ElementAdd:
    return elementAdd(in);
  case Opcode::Entropy:
    return entropy(in);
  case Opcode::HostGather:
    return hostGather(in);
  case Opcode::HostEmit:
    return hostEmit(in);
  case Opcode::HostTable:
    return hostTable(in, iteration);
  case Opcode::HostMask:
    return hostMask(in);
  case Opcode::HostCopy:
    return hostCopy(in);
  case Opcode::HostTranspose:
    return hostTranspose(in);
  case Opcode::HostOutput:
    return hostOutput(in);
  }
  return absl::InternalError("unknown opcode");
}

absl::Status Simulator::Impl::readTier(uint64_t address, absl::Span<uint8_t> out) {
  absl::StatusOr<size_t> tier = tiers.read(address, out);
  if (!tier.ok())
    return tier.status();
  current->bytesRead[*tier] += out.size();
  return absl::OkStatus();
}

absl::StatusOr<std::vector<uint8_t>> Simulator::Impl::readTier(uint64_t address, uint64_t size) {
  // Checked before a field of the stream decides how much memory we take.
  if (absl::StatusOr<size_t> tier = tiers.find(address, size); !tier.ok())
    return tier.status();
  std::vector<uint8_t> bytes(size);
  if (absl::Status status = readTier(address, absl::MakeSpan(bytes)); !status.ok())
    return status;
  return bytes;
}

absl::Status Simulator::Impl::writeTier(uint64_t address, absl::Span<const uint8_t> bytes) {
  absl::StatusOr<size_t> tier = tiers.write(address, bytes);
  if (!tier.ok())
    return tier.status();
  current->bytesWritten[*tier] += bytes.size();
  return absl::OkStatus();
}

} // namespace aac::sim
