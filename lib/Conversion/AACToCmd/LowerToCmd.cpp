//===- LowerToCmd.cpp - aac -> cmd ----------------------------------------===//
//
// aac-lower-to-cmd. Precondition: aac-encode, aac-place, aac-tile. Postcondition: each
// suite is a cmd.stream that runs right in the order written.
//
//===----------------------------------------------------------------------===//
#include "TaskLowering.h"
#include "aac/Conversion/AACToCmd.h"
#include "aac/Transforms/ParamValues.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringExtras.h"
#include <map>

using namespace mlir;

namespace aac {
#define GEN_PASS_DEF_LOWERTOCMDPASS
#include "lib/Conversion/AACToCmd/AACToCmdPasses.h.inc"

using namespace ir;

namespace {

/// Which part of the model each operation of a task belongs to, for reports.
class Layers {
public:
  explicit Layers(TaskOp task) {
    Block &block = task.getBody().front();
    // The repeated layers, or the span from the first attention to the last.
    Operation *first = nullptr, *last = nullptr;
    for (Operation &op : block) {
      bool layer = llvm::isa<LoopOp, ContextOp>(op);
      if (auto linear = dyn_cast<LinearOp>(op))
        layer = llvm::any_of(linear->getUsers(),
                             [](Operation *user) { return llvm::isa<ScoresOp>(user); });
      if (layer && !first)
        first = &op;
      if (layer || (first && llvm::isa<LayerNormOp>(op)))
        last = &op;
    }
    StringRef name = first ? "embedding" : "head";
    for (Operation &op : block) {
      if (&op == first)
        name = "layer";
      of[&op] = name;
      if (&op == last)
        name = "head";
    }
  }
  StringRef operator[](Operation *op) const {
    while (op && !of.count(op)) {
      if (llvm::isa_and_present<LoopOp>(op->getParentOp()))
        return "layer";
      op = op->getParentOp();
    }
    return op ? of.lookup(op) : "task";
  }

private:
  llvm::DenseMap<Operation *, StringRef> of;
};

/// One copy of a switch or power-on program.
struct Copy {
  uint64_t from, to, bytes;
};

class StreamBuilder {
public:
  StreamBuilder(SuiteOp suite, const Machine &machine)
      : suite(suite), machine(machine), symbols(suite), builder(suite) {
    for (TaskOp task : suite.getOps<TaskOp>())
      taskNames.push_back(task.getSymName());
  }
  LogicalResult build();
  int64_t numInstructions = 0;

private:
  LogicalResult buildRun(TaskOp task, int64_t number);
  void buildCopies(StringRef name, cmd::ProgramRole role, ArrayRef<StringRef> owners,
                   ArrayRef<Copy> copies);
  void buildStored(StoredOp stored);
  /// The activation that the instruction writes to a tier's memory, in whole or in part.
  Value valueWrittenBy(const Emitted &emitted);
  static void append(SmallVectorImpl<Copy> &copies, StoredOp stored);

  SuiteOp suite;
  const Machine &machine;
  SymbolTable symbols;
  OpBuilder builder;
  SmallVector<StringRef> taskNames;
};

void StreamBuilder::append(SmallVectorImpl<Copy> &copies, StoredOp stored) {
  if (!stored.getRest())
    return;
  Copy copy{stored.getRest()->getAddress(), stored.getBuffer()->getAddress(),
            stored.getRest()->getBytes()};
  if (!copies.empty()) { // what lies between two images is not written, and not copied
    Copy &last = copies.back();
    if (last.from + last.bytes == copy.from && last.to + last.bytes == copy.to) {
      last.bytes += copy.bytes;
      return;
    }
  }
  copies.push_back(copy);
}

void StreamBuilder::buildCopies(StringRef name, cmd::ProgramRole role, ArrayRef<StringRef> owners,
                                ArrayRef<Copy> copies) {
  OpBuilder::InsertionGuard guard(builder);
  auto program = cmd::ProgramOp::create(builder, suite.getLoc(), name, role, owners);
  builder.setInsertionPointToStart(&program.getBody().front());
  Location loc = cmd::withOrigin(UnknownLoc::get(builder.getContext()), "copy", "switch");
  for (const Copy &copy : copies)
    cmd::createInstruction(builder, loc,
                           isa::Instruction(isa::Opcode::HostCopy)
                               .set(isa::Field::Address, copy.from)
                               .set(isa::Field::OutAddress, copy.to)
                               .set(isa::Field::Bytes, copy.bytes));
  numInstructions += copies.size();
}

Value StreamBuilder::valueWrittenBy(const Emitted &emitted) {
  const isa::Instruction &instruction = emitted.instruction;
  isa::Field address;
  if (instruction.opcode == isa::Opcode::StoreData)
    address = isa::Field::Address;
  else if (instruction.opcode == isa::Opcode::HostEmit ||
           instruction.opcode == isa::Opcode::HostTable)
    address = isa::Field::OutAddress;
  else
    return nullptr;
  Value value = emitted.source->getResult(0);
  if (auto linear = dyn_cast<LinearOp>(emitted.source))
    value = resultOf(linear);
  BufferAttr buffer = bufferOf(value);
  uint64_t at = static_cast<uint64_t>(instruction.get(address));
  return buffer && formatOf(value, symbols) && at >= buffer.getAddress() &&
                 at < buffer.getAddress() + buffer.getBytes()
             ? value
             : nullptr;
}

LogicalResult StreamBuilder::buildRun(TaskOp task, int64_t number) {
  FailureOr<ActivationLayout> layout = ActivationLayout::compute(task);
  if (failed(layout))
    return failure();
  TaskLowering lowering(task, number, machine, symbols, *layout);
  if (failed(lowering.run()))
    return failure();
  Layers layers(task);
  std::string name = ("run_" + task.getSymName()).str();
  auto program = cmd::ProgramOp::create(builder, task.getLoc(), name, cmd::ProgramRole::Run,
                                        ArrayRef<StringRef>(task.getSymName()));
  OpBuilder inner = OpBuilder::atBlockBegin(&program.getBody().front());
  llvm::DenseMap<Operation *, size_t> numbers; // of values
  // Among the operations with the same nodes and name, also those that store nothing.
  llvm::DenseMap<Operation *, int64_t> which;
  std::map<std::pair<std::string, StringRef>, int64_t> alike;
  task->walk<WalkOrder::PreOrder>([&](Operation *op) {
    which[op] = alike[{cmd::originOf(op->getLoc()).node, op->getName().stripDialect()}]++;
  });
  for (const Emitted &emitted : lowering.program) {
    Operation *source = emitted.source;
    StringRef op = source->getName().stripDialect();
    cmd::ValueAttr value;
    if (Value written = valueWrittenBy(emitted)) {
      // A relu that the engine applies is the place of what is stored.
      source = written.getDefiningOp();
      op = source->getName().stripDialect();
      auto number = static_cast<int64_t>(numbers.try_emplace(source, numbers.size()).first->second);
      ir::FeatureLayout features = (*layout)[written];
      ir::AdaptivFloatAttr format = formatOf(written, symbols);
      value = cmd::ValueAttr::get(builder.getContext(), number, which[source],
                                  bufferOf(written).getAddress(), tokensOf(written),
                                  features.features, features.group, isWrittenTransposed(written),
                                  format.getBias(), format.getScale());
    }
    Location node = (emitted.named ? emitted.named : source)->getLoc();
    Operation *instruction = cmd::createInstruction(
        inner, cmd::withOrigin(node, op, layers[source]), emitted.instruction);
    if (value)
      instruction->setAttr("cmd.value", value);
    if (auto [a, b] = emitted.operandRows; a >= 0 || b >= 0)
      instruction->setAttr(kOperandRows, builder.getDenseI64ArrayAttr({a, b}));
  }
  numInstructions += lowering.program.size();

  auto tensors = [&](ArrayAttr names, TypeRange types) {
    SmallVector<Attribute> list;
    for (auto [name, type] : llvm::zip_equal(names.getAsValueRange<StringAttr>(), types))
      list.push_back(
          cmd::TensorAttr::get(builder.getContext(), name, cast<RankedTensorType>(type)));
    return builder.getArrayAttr(list);
  };
  Block &body = task.getBody().front();
  cmd::TaskOp::create(builder, task.getLoc(), builder.getStringAttr(task.getSymName()),
                      FlatSymbolRefAttr::get(builder.getContext(), name),
                      tensors(task.getInputNames(), body.getArgumentTypes()),
                      tensors(task.getOutputNames(), body.getTerminator()->getOperandTypes()));
  return success();
}

void StreamBuilder::buildStored(StoredOp stored) {
  BufferAttr run = *stored.getBuffer(), image = stored.getRest().value_or(run);
  cmd::ImageOp::create(builder, stored.getLoc(), builder.getStringAttr(image.getTier()),
                       builder.getI64IntegerAttr(image.getAddress()), stored.getTasks(),
                       stored.getValue());
  auto symbol = [&](StringRef name, int64_t address, int64_t bytes, ArrayRef<int64_t> shape,
                    StringRef format, int64_t hash) {
    cmd::SymbolOp::create(builder, stored.getLoc(), builder.getStringAttr(name),
                          builder.getStringAttr(stored.getRole() ? stringifyRole(*stored.getRole())
                                                                 : stored.getKind()),
                          builder.getStringAttr(stringifySharing(stored.getSharing())),
                          stored.getTasks(), builder.getStringAttr(run.getTier()),
                          builder.getI64IntegerAttr(address), builder.getI64IntegerAttr(bytes),
                          builder.getDenseI64ArrayAttr(shape), builder.getStringAttr(format),
                          builder.getI64IntegerAttr(hash));
  };
  int64_t count = stored.getCount(), stride = stored.getStride();
  if (stored.getSources().empty())
    return symbol(stored.getSymName(), run.getAddress(), count * stride, {count * stride}, "bytes",
                  0);
  // Weights and gammas come first, one a repetition; biases and betas lie within them.
  for (auto [index, name] : llvm::enumerate(stored.getSources().getAsValueRange<StringAttr>())) {
    auto param = symbols.lookup<ParamOp>(name);
    if (!param)
      continue;
    int64_t repetition = static_cast<int64_t>(index) % count;
    std::string format = "f32";
    if (AdaptivFloatAttr af = formatOf(param))
      format = "af<" + std::to_string(af.getBits()) + "," + std::to_string(af.getExponentBits()) +
               ",bias=" + std::to_string(af.getBias()) + ",scale=" + std::to_string(af.getScale()) +
               ">";
    symbol(name, run.getAddress() + repetition * stride,
           static_cast<int64_t>(index) < count ? stride : 0, param.getTensorType().getShape(),
           format, param.getContentHash().value_or(0));
  }
}

LogicalResult StreamBuilder::build() {
  auto stream = cmd::StreamOp::create(builder, suite.getLoc(), machine.name, machine.text());
  builder.setInsertionPointToStart(&stream.getBody().front());
  // A program reads what all its tasks own: one for each set of tasks.
  llvm::MapVector<ArrayAttr, SmallVector<Copy>> powerOn;
  for (StoredOp stored : suite.getOps<StoredOp>()) {
    if (!stored.getBuffer())
      return stored.emitError("has no place in memory; run aac-place first");
    buildStored(stored);
    if (stored.getSharing() != Sharing::Task)
      append(powerOn[stored.getTasks()], stored);
  }
  for (auto &[tasks, copies] : powerOn) {
    SmallVector<StringRef> owners = llvm::to_vector(tasks.getAsValueRange<StringAttr>());
    std::string name = "power_on";
    if (owners.size() < taskNames.size())
      name += "_" + llvm::join(owners, "_");
    if (!copies.empty())
      buildCopies(name, cmd::ProgramRole::PowerOn, owners, copies);
  }
  for (auto [number, task] : llvm::enumerate(suite.getOps<TaskOp>())) {
    SmallVector<Copy> copies;
    for (StoredOp stored : suite.getOps<StoredOp>())
      if (stored.getSharing() == Sharing::Task &&
          cast<StringAttr>(stored.getTasks()[0]).getValue() == task.getSymName())
        append(copies, stored);
    std::string name = ("to_" + task.getSymName()).str();
    buildCopies(name, cmd::ProgramRole::Switch, ArrayRef<StringRef>(task.getSymName()), copies);
    auto to = builder.getStringAttr(task.getSymName());
    auto program = FlatSymbolRefAttr::get(builder.getContext(), name);
    cmd::SwitchOp::create(builder, task.getLoc(), StringAttr(), to, program);
    for (StringRef from : taskNames)
      if (from != task.getSymName())
        cmd::SwitchOp::create(builder, task.getLoc(), builder.getStringAttr(from), to, program);
    if (failed(buildRun(task, number)))
      return failure();
  }
  return success();
}

struct LowerToCmdPass : impl::LowerToCmdPassBase<LowerToCmdPass> {
  using LowerToCmdPassBase::LowerToCmdPassBase;
  void runOnOperation() override {
    FailureOr<Machine> loaded = loadMachine(getOperation(), machine);
    if (failed(loaded))
      return signalPassFailure();
    if (loaded->engine.semantics != Semantics::Corrected) {
      getOperation().emitError() << "machine '" << loaded->name
                                 << "' has semantics PUBLISHED, a reference for exactness and no "
                                    "target; compile for a machine with semantics CORRECTED";
      return signalPassFailure();
    }
    for (SuiteOp suite : llvm::make_early_inc_range(getOperation().getOps<SuiteOp>())) {
      StreamBuilder builder(suite, *loaded);
      if (failed(builder.build()))
        return signalPassFailure();
      numInstructions += builder.numInstructions;
      suite.erase();
    }
  }
};

} // namespace
} // namespace aac
