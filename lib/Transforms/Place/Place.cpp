//===- Place.cpp - tiers and addresses ------------------------------------===//
//
// aac-place. Precondition: aac-encode. Postcondition: every aac.stored has `buffer`
// (and `rest` where its tier forgets), every materialised activation has `buffer`.
//
// Constants first: shared ones each at one address; a task's own in a region that
// the tasks take in turns, unless the tier keeps an image. Then, per task, a
// storage for each activation with the steps it is alive, loop-carried values sharing
// one storage where the old value is dead before the new one is written; the core's
// planner gives offsets. O(n^2) in the activations of a task.
//
//===----------------------------------------------------------------------===//
#include "aac/Machine/Machine.h"
#include "aac/Plan/Plan.h"
#include "aac/Transforms/ActivationLayout.h"
#include "aac/Transforms/PlacePasses.h"
#include "mlir/IR/Builders.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace aac {
#define GEN_PASS_DEF_PLACEPASS
#include "lib/Transforms/Place/PlacePasses.h.inc"

using namespace ir;

namespace {

/// Bump allocation in the machine's tiers.
class Tiers {
public:
  explicit Tiers(const Machine &machine) : machine(machine) {}

  uint64_t used(const Tier &tier) const { return next.lookup(tier.name); }
  void reserve(const Tier &tier, uint64_t bytes) { next[tier.name] = bytes; }
  uint64_t room(const Tier &tier) const {
    return tier.capacity - std::min(tier.capacity, used(tier));
  }
  /// The first tier that allows `kind` and has room; null if none has.
  const Tier *find(DataKind kind, uint64_t bytes, bool persistentOnly = false) const {
    for (const Tier &tier : machine.tiers)
      if (tier.allowsKind(kind) && (!persistentOnly || tier.persistent) && room(tier) >= bytes)
        return &tier;
    return nullptr;
  }
  BufferAttr allocate(MLIRContext *context, const Tier &tier, uint64_t bytes) {
    uint64_t &offset = next[tier.name];
    uint64_t address = tier.base + offset;
    offset += roundUp(bytes, kLanes);
    return BufferAttr::get(context, tier.name, address, bytes);
  }
  /// What is where, for an error message.
  std::string map() const {
    std::string text;
    for (const Tier &tier : machine.tiers)
      text += llvm::formatv("{0}{1}: {2} of {3} bytes used", text.empty() ? "" : ", ", tier.name,
                            used(tier), tier.capacity);
    return text;
  }

private:
  const Machine &machine;
  llvm::StringMap<uint64_t> next;
};

/// Memory that one or more values share.
struct Storage {
  plan::Buffer life;
  SmallVector<Value> values;
};

/// Lifetimes of one task's activations.
class Lifetimes {
public:
  Lifetimes(TaskOp task, const ActivationLayout &layout) : layout(layout) { build(task); }

  std::vector<Storage> storages;
  /// Storage of a value, or -1.
  int find(Value value) const {
    auto it = storageOf.find(value);
    return it == storageOf.end() ? -1 : it->second;
  }
  /// Contexts whose value must be transposed by the host, with their storage.
  SmallVector<std::pair<ContextOp, int>> transposed;

private:
  void build(TaskOp task);
  int add(Value value, int64_t lower, int64_t bytes) {
    storages.push_back({{lower, lower + 1, bytes}, {}});
    if (value)
      alias(value, storages.size() - 1);
    return storages.size() - 1;
  }
  void alias(Value value, int storage) {
    storageOf[value] = storage;
    storages[storage].values.push_back(value);
  }
  int64_t stepOf(Operation *op) const { return steps.lookup(op); }
  /// The step at which `op` is carried out: with the operation it is fused into.
  int64_t effectiveStep(Operation *op) const;
  /// The step at which `op`'s result is first written: a function of a linear is applied
  /// to each block of tokens as soon as it is there.
  int64_t firstWrite(Operation *op) const {
    auto function = dyn_cast<ActivationFnOp>(op);
    return function && isLocal(function) ? firstWrite(function.getInput().getDefiningOp())
                                         : stepOf(op);
  }
  /// `function` and what makes its input are in one block.
  static bool isLocal(ActivationFnOp function) {
    Operation *def = function.getInput().getDefiningOp();
    return def && def->getBlock() == function->getBlock();
  }
  /// Last step at which `value` is read, seen from the block that defines it.
  int64_t lastUse(Value value) const;
  void handleLoop(LoopOp loop);

  const ActivationLayout &layout;
  llvm::DenseMap<Operation *, int64_t> steps, ends;
  llvm::DenseMap<Value, int> storageOf;
};

int64_t Lifetimes::effectiveStep(Operation *op) const {
  while (true) {
    auto softmax = dyn_cast<SoftmaxOp>(op);
    bool later = isa<ScoresOp>(op) || (softmax && isAttentionSoftmax(softmax)) ||
                 (isa<AddOp, LayerNormOp>(op) && !isMaterialised(op->getResult(0)));
    if (!later || op->use_empty())
      return stepOf(op);
    op = *op->getUsers().begin();
  }
}

int64_t Lifetimes::lastUse(Value value) const {
  int64_t last = value.getDefiningOp() ? stepOf(value.getDefiningOp()) : 0;
  for (Operation *user : value.getUsers()) {
    if (isa<SelectOp, SqueezeOp>(user)) { // a view: its readers read `value`
      last = std::max(last, lastUse(user->getResult(0)));
      continue;
    }
    int64_t step = effectiveStep(user);
    // A value from outside a loop is needed in every repetition.
    Operation *home = value.getParentBlock()->getParentOp();
    for (Operation *parent = user->getParentOp(); parent != home; parent = parent->getParentOp())
      if (isa<LoopOp>(parent))
        step = std::max(step, ends.lookup(parent));
    last = std::max(last, step);
  }
  return last;
}

void Lifetimes::handleLoop(LoopOp loop) {
  Operation *yield = loop.getBody().front().getTerminator();
  for (auto [number, argument] : llvm::enumerate(loop.getBody().getArguments())) {
    Value init = loop.getInits()[number], result = loop.getResult(number);
    int storage = find(init);
    if (!init.getDefiningOp() || !init.hasOneUse() || isa<SelectOp>(init.getDefiningOp()) ||
        storage < 0)
      storage = add(Value(), stepOf(loop), bufferBytes(argument, layout));
    alias(argument, storage);
    alias(result, storage);
    plan::Buffer &life = storages[storage].life;
    life.upper = std::max({life.upper, ends.lookup(loop) + 1, lastUse(result) + 1});
    // The next repetition's value may be written over this one's once that is dead;
    // element-wise chains may even read it in the same step.
    Value next = yield->getOperand(number);
    Operation *def = next.getDefiningOp();
    if (!def || def->getBlock() != &loop.getBody().front() || !isMaterialised(next) ||
        isa<LoopOp>(def))
      continue;
    int64_t written = firstWrite(def), read = lastUse(argument);
    if (read < written || (read == written && isa<AddOp, LayerNormOp>(def)))
      alias(next, storage);
  }
}

void Lifetimes::build(TaskOp task) {
  int64_t step = 0;
  auto number = [&](auto &&self, Block &block) -> void {
    for (Operation &op : block) {
      steps[&op] = ++step;
      if (auto loop = dyn_cast<LoopOp>(op)) {
        self(self, loop.getBody().front());
        ends[&op] = ++step;
        steps[loop.getBody().front().getTerminator()] = step;
      }
    }
  };
  number(number, task.getBody().front());
  task.walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (auto loop = dyn_cast<LoopOp>(op))
      return handleLoop(loop);
    if (auto context = dyn_cast<ContextOp>(op); context && !isWrittenTransposed(context.getValue()))
      transposed.push_back(
          {context, add(Value(), stepOf(op), bufferBytes(context.getValue(), layout))});
    if (op->getNumResults() != 1 || !isMaterialised(op->getResult(0)) ||
        find(op->getResult(0)) >= 0)
      return;
    Value result = op->getResult(0);
    int64_t lower = stepOf(op), bytes = 0;
    if (auto mask = dyn_cast<MaskOp>(op)) {
      bytes = roundUp(cast<RankedTensorType>(result.getType()).getShape().back(), kLanes);
    } else {
      bytes = bufferBytes(result, layout);
    }
    if (auto activation = dyn_cast<ActivationFnOp>(op)) {
      if (isFusedRelu(activation))
        lower = stepOf(activation.getInput().getDefiningOp());
      else if (int input = find(activation.getInput());
               input >= 0 && activation.getInput().hasOneUse() && isLocal(activation)) {
        alias(result, input);
        storages[input].life.upper = std::max(storages[input].life.upper, lastUse(result) + 1);
        return;
      }
    }
    int storage = add(result, lower, bytes);
    storages[storage].life.upper = lastUse(result) + 1;
  });
}

class Placer {
public:
  Placer(SuiteOp suite, const Machine &machine) : suite(suite), machine(machine), tiers(machine) {}
  LogicalResult run();
  int64_t numSpilled = 0;

private:
  LogicalResult placeStored(StoredOp stored, DataKind kind, Tiers &tiers, Tiers &restTiers);
  LogicalResult placeActivations(TaskOp task, const Tiers &afterConstants);
  void keepPlaced();
  SuiteOp suite;
  const Machine &machine;
  Tiers tiers;
};

LogicalResult Placer::placeStored(StoredOp stored, DataKind kind, Tiers &runTiers,
                                  Tiers &restTiers) {
  MLIRContext *context = suite.getContext();
  uint64_t bytes = stored.getValue().getShapedType().getNumElements();
  const Tier *tier = runTiers.find(kind, bytes);
  if (!tier)
    return stored.emitError() << "no tier of machine '" << machine.name << "' has room for "
                              << bytes << " bytes of "
                              << (kind == DataKind::Backbone ? "backbone" : "task") << " data ("
                              << runTiers.map() << "); prune more or choose a larger machine";
  if (tier != machine.tierFor(kind)) {
    ++numSpilled;
    stored.emitRemark() << "does not fit '" << machine.tierFor(kind)->name
                        << "' any more: " << bytes << " bytes go to '" << tier->name << "'";
  }
  // A tier with an image keeps it for good: other tasks may not take the same place.
  stored.setBufferAttr((tier->persistent ? restTiers : runTiers).allocate(context, *tier, bytes));
  if (tier->persistent) {
    runTiers.reserve(*tier, restTiers.used(*tier));
    return success();
  }
  const Tier *rest = restTiers.find(DataKind::InactiveTask, bytes, /*persistentOnly=*/true);
  if (!rest)
    return stored.emitError() << "no persistent tier of machine '" << machine.name
                              << "' has room for the image of " << bytes << " bytes ("
                              << restTiers.map() << ")";
  stored.setRestAttr(restTiers.allocate(context, *rest, bytes));
  runTiers.reserve(*rest, restTiers.used(*rest));
  return success();
}

LogicalResult Placer::placeActivations(TaskOp task, const Tiers &afterConstants) {
  FailureOr<ActivationLayout> layout = ActivationLayout::compute(task);
  if (failed(layout))
    return failure();
  Lifetimes lifetimes(task, *layout);
  std::vector<const Tier *> choices; // at least one: Machine::load sees to it
  for (const Tier &tier : machine.tiers)
    if (tier.allowsKind(DataKind::Activation))
      choices.push_back(&tier);

  size_t count = lifetimes.storages.size();
  std::vector<size_t> tierOf(count, 0);
  std::vector<uint64_t> address(count, 0);
  for (size_t choice = 0; choice < choices.size(); ++choice) {
    const Tier &tier = *choices[choice];
    uint64_t base = afterConstants.used(tier), room = afterConstants.room(tier);
    while (true) {
      std::vector<plan::Buffer> buffers;
      std::vector<size_t> members;
      for (size_t i = 0; i < count; ++i)
        if (tierOf[i] == choice) {
          buffers.push_back(lifetimes.storages[i].life);
          members.push_back(i);
        }
      plan::Plan plan = plan::planBuffers(buffers, kLanes);
      if (static_cast<uint64_t>(plan.peak) <= room) {
        for (auto [i, offset] : llvm::zip_equal(members, plan.offsets))
          address[i] = tier.base + base + offset;
        if (!members.empty())
          task.emitRemark() << "activations in '" << tier.name << "': " << members.size()
                            << " buffers, peak " << plan.peak << " bytes, lower bound "
                            << plan.lowerBound;
        break;
      }
      if (choice + 1 == choices.size())
        return task.emitError() << "activations need " << plan.peak << " bytes of '" << tier.name
                                << "', " << room << " are free (" << afterConstants.map()
                                << "); use a shorter sequence or a larger machine";
      size_t largest = members.front();
      for (size_t i : members)
        if (lifetimes.storages[i].life.size > lifetimes.storages[largest].life.size)
          largest = i;
      tierOf[largest] = choice + 1;
      ++numSpilled;
      task.emitRemark() << "a buffer of " << lifetimes.storages[largest].life.size
                        << " bytes does not fit '" << tier.name << "' and goes to '"
                        << choices[choice + 1]->name << "'";
    }
  }

  MLIRContext *context = task.getContext();
  auto bufferAt = [&](int storage) {
    return BufferAttr::get(context, choices[tierOf[storage]]->name, address[storage],
                           lifetimes.storages[storage].life.size);
  };
  task.walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (auto loop = dyn_cast<LoopOp>(op)) {
      SmallVector<Attribute> buffers;
      for (Value result : loop.getResults())
        buffers.push_back(bufferAt(lifetimes.find(result)));
      loop->setAttr("aac.buffers", ArrayAttr::get(context, buffers));
    } else if (op->getNumResults() == 1 && lifetimes.find(op->getResult(0)) >= 0) {
      op->setAttr("buffer", bufferAt(lifetimes.find(op->getResult(0))));
    } else if (auto select = dyn_cast<SelectOp>(op)) {
      // A view of the block of 16 rows that holds the token.
      BufferAttr whole = bufferOf(select.getInput());
      if (!whole)
        return; // refused when it is lowered
      int64_t block = (*layout)[select.getInput()].vectors() * kLanes * kLanes;
      select.setBufferAttr(BufferAttr::get(
          context, whole.getTier(),
          whole.getAddress() + static_cast<int64_t>(select.getIndex()) / kLanes * block, block));
    }
  });
  for (auto [op, storage] : lifetimes.transposed)
    op->setAttr("aac.transposed", bufferAt(storage));
  return success();
}

/// True where an earlier compilation gave the activations of `task` their places.
static bool isPlaced(TaskOp task) {
  return task
      .walk([](Operation *op) {
        return op->hasAttr("buffer") ? WalkResult::interrupt() : WalkResult::advance();
      })
      .wasInterrupted();
}

/// What has a place keeps it (AddTask.h): new bytes go behind all that is there for good, and
/// behind the activations of the placed tasks where a tier keeps images.
void Placer::keepPlaced() {
  auto keep = [&](BufferAttr buffer, bool always) {
    const Tier *tier = machine.findTier({buffer.getTier().data(), buffer.getTier().size()});
    if (tier && (always || tier->persistent))
      tiers.reserve(*tier,
                    std::max<uint64_t>(tiers.used(*tier),
                                       roundUp(static_cast<int64_t>(buffer.getAddress() +
                                                                    buffer.getBytes() - tier->base),
                                               kLanes)));
  };
  for (StoredOp stored : suite.getOps<StoredOp>()) {
    if (stored.getBuffer())
      keep(*stored.getBuffer(), stored.getSharing() != Sharing::Task);
    if (stored.getRest())
      keep(*stored.getRest(), true);
  }
  suite.walk([&](Operation *op) {
    if (isa<StoredOp>(op))
      return;
    for (StringRef name : {"buffer", "aac.transposed"})
      if (auto buffer = op->getAttrOfType<BufferAttr>(name))
        keep(buffer, false);
    if (auto buffers = op->getAttrOfType<ArrayAttr>("aac.buffers"))
      for (auto buffer : buffers.getAsRange<BufferAttr>())
        keep(buffer, false);
  });
}

LogicalResult Placer::run() {
  keepPlaced();
  for (StoredOp stored : suite.getOps<StoredOp>())
    if (stored.getSharing() != Sharing::Task && !stored.getBuffer() &&
        failed(placeStored(stored, DataKind::Backbone, tiers, tiers)))
      return failure();
  // Tasks take turns in tiers without an image; images pile up.
  SmallVector<std::pair<TaskOp, Tiers>> perTask;
  for (TaskOp task : suite.getOps<TaskOp>()) {
    Tiers own = tiers;
    for (StoredOp stored : suite.getOps<StoredOp>())
      if (stored.getSharing() == Sharing::Task && !stored.getBuffer() &&
          cast<StringAttr>(stored.getTasks()[0]).getValue() == task.getSymName() &&
          failed(placeStored(stored, DataKind::Task, own, tiers)))
        return failure();
    if (!isPlaced(task))
      perTask.push_back({task, own});
  }
  for (auto &[task, own] : perTask) {
    for (const Tier &tier : machine.tiers)
      if (tier.persistent)
        own.reserve(tier, tiers.used(tier));
    if (failed(placeActivations(task, own)))
      return failure();
  }
  return success();
}

struct PlacePass : impl::PlacePassBase<PlacePass> {
  using PlacePassBase::PlacePassBase;
  void runOnOperation() override {
    FailureOr<Machine> loaded = loadMachine(getOperation(), machine);
    if (failed(loaded))
      return signalPassFailure();
    for (SuiteOp suite : getOperation().getOps<SuiteOp>()) {
      Placer placer(suite, *loaded);
      if (failed(placer.run()))
        return signalPassFailure();
      numSpilled += placer.numSpilled;
    }
  }
};

} // namespace
} // namespace aac
