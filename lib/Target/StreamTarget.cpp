//===- StreamTarget.cpp - cmd dialect to stream files and back ------------===//
#include "aac/Target/StreamTarget.h"

#include "absl/strings/str_cat.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/ADT/StringMap.h"

#include <map>
#include <tuple>

using namespace mlir;

namespace aac {
namespace {

template <typename... Parts> absl::Status error(const Parts &...parts) {
  return absl::InvalidArgumentError(absl::StrCat(parts...));
}

constexpr StringRef kValue = "cmd.value"; // of an instruction
/// On a cmd.image: the file holds it near its entropy (Codec.h).
constexpr StringLiteral kCodedAttr = "aac.coded";

absl::string_view view(StringRef text) { return {text.data(), text.size()}; }
StringRef ref(const std::string &text) { return text; }

//===----------------------------------------------------------------------===//
// To a stream
//===----------------------------------------------------------------------===//

/// Numbers things by name as an operation's body lists them.
class Exporter {
public:
  explicit Exporter(cmd::StreamOp op) : op(op) {
    for (auto task : op.getBody().getOps<cmd::TaskOp>())
      tasks.try_emplace(task.getTaskName(), tasks.size());
    for (auto program : op.getBody().getOps<cmd::ProgramOp>())
      programs.try_emplace(program.getSymName(), programs.size());
  }

  absl::StatusOr<Stream> run() {
    stream.machineName = op.getMachine().str();
    stream.machine = op.getMachineText().str();
    stream.switchTo.assign((tasks.size() + 1) * tasks.size(), -1);
    for (Operation &part : op.getBody().front()) {
      absl::Status status;
      if (auto task = dyn_cast<cmd::TaskOp>(part))
        status = add(task);
      else if (auto image = dyn_cast<cmd::ImageOp>(part))
        status = add(image);
      else if (auto program = dyn_cast<cmd::ProgramOp>(part))
        status = add(program);
      else if (auto change = dyn_cast<cmd::SwitchOp>(part))
        status = add(change);
      else if (auto symbol = dyn_cast<cmd::SymbolOp>(part))
        status = add(symbol);
      if (!status.ok())
        return status;
    }
    return std::move(stream);
  }

private:
  absl::StatusOr<int32_t> number(const llvm::StringMap<size_t> &names, absl::string_view kind,
                                 StringRef name) {
    auto found = names.find(name);
    if (found == names.end())
      return error("there is no ", kind, " ", view(name));
    return static_cast<int32_t>(found->second);
  }

  absl::StatusOr<TaskSet> ownersOf(ArrayAttr names) {
    TaskSet owners = 0;
    for (auto name : names.getAsValueRange<StringAttr>()) {
      auto task = number(tasks, "task", name);
      if (!task.ok())
        return task.status();
      if (*task >= 64)
        return error("task ", view(name), " is number ", *task, "; a stream has 64 at most");
      owners |= TaskSet{1} << *task;
    }
    return owners;
  }

  static std::vector<TensorSpec> tensorsOf(ArrayAttr list) {
    std::vector<TensorSpec> tensors;
    for (auto tensor : list.getAsRange<cmd::TensorAttr>()) {
      Type element = tensor.getType().getElementType();
      ElementType type = element.isInteger(32)   ? ElementType::I32
                         : element.isInteger(64) ? ElementType::I64
                         : element.isInteger(1)  ? ElementType::Bool
                                                 : ElementType::F32;
      tensors.push_back({tensor.getName().str(), type, tensor.getType().getShape().vec()});
    }
    return tensors;
  }

  absl::Status add(cmd::TaskOp task) {
    auto run = number(programs, "program", task.getRun());
    if (!run.ok())
      return run.status();
    stream.tasks.push_back({task.getTaskName().str(), tensorsOf(task.getInputs()),
                            tensorsOf(task.getOutputs()), *run});
    return absl::OkStatus();
  }

  absl::Status add(cmd::ImageOp image) {
    auto owners = ownersOf(image.getOwners());
    if (!owners.ok())
      return owners.status();
    std::string scratch;
    ArrayRef<char> bytes = image.getRawBytes(scratch);
    if (static_cast<int64_t>(bytes.size()) != image.getBytes().getNumElements())
      return error("image of tier ", view(image.getTier()), " at ", image.getAddress(), " has ",
                   bytes.size(), " bytes, its type says ", image.getBytes().getNumElements(),
                   "; were resources elided?");
    stream.images.push_back({image.getTier().str(), static_cast<uint64_t>(image.getAddress()),
                             *owners, std::vector<uint8_t>(bytes.begin(), bytes.end()),
                             image->hasAttr(kCodedAttr)});
    return absl::OkStatus();
  }

  absl::Status add(cmd::ProgramOp op) {
    auto owners = ownersOf(op.getOwners());
    if (!owners.ok())
      return owners.status();
    Program program;
    program.name = op.getSymName().str();
    program.role = static_cast<ProgramRole>(op.getRole());
    program.owners = *owners;
    bool located = false;
    std::map<uint32_t, StoredValue> values; // by completing instruction
    llvm::DenseMap<Attribute, uint32_t> completed;
    for (Operation &operation : op.getBody().front()) {
      FailureOr<isa::Instruction> instruction = cmd::toInstruction(&operation);
      if (failed(instruction))
        return error("program ", program.name, ": instruction ", program.code.size(),
                     " cannot be encoded");
      program.code.push_back(*instruction);
      program.location.push_back(locationOf(operation.getLoc()));
      located |= program.location.back() >= 0;
      if (auto value = operation.getAttrOfType<cmd::ValueAttr>(kValue)) {
        uint32_t at = static_cast<uint32_t>(program.code.size() - 1);
        if (auto [known, isNew] = completed.try_emplace(value, at); !isNew) {
          values.erase(known->second);
          known->second = at;
        }
        values[at] = {at,
                      static_cast<uint32_t>(value.getWhich()),
                      value.getAddress(),
                      value.getTokens(),
                      value.getFeatures(),
                      value.getGroup(),
                      value.getTransposed(),
                      static_cast<int32_t>(value.getBias()),
                      static_cast<int32_t>(value.getScale())};
      }
    }
    for (const auto &[at, value] : values)
      program.values.push_back(value);
    if (!located)
      program.location.clear();
    stream.programs.push_back(std::move(program));
    return absl::OkStatus();
  }

  absl::Status add(cmd::SwitchOp change) {
    auto program = number(programs, "program", change.getProgram());
    if (!program.ok())
      return program.status();
    auto to = number(tasks, "task", change.getTo());
    if (!to.ok())
      return to.status();
    size_t from = tasks.size();
    if (change.getFrom()) {
      auto index = number(tasks, "task", *change.getFrom());
      if (!index.ok())
        return index.status();
      from = *index;
    }
    stream.switchTo[from * tasks.size() + *to] = *program;
    return absl::OkStatus();
  }

  absl::Status add(cmd::SymbolOp symbol) {
    auto owners = ownersOf(symbol.getOwners());
    if (!owners.ok())
      return owners.status();
    stream.symbols.push_back({symbol.getSymbolName().str(), symbol.getRole().str(),
                              symbol.getPlacement().str(), *owners, symbol.getTier().str(),
                              symbol.getAddress(), symbol.getStoredBytes(), symbol.getShape().vec(),
                              symbol.getFormat().str(), symbol.getHash()});
    return absl::OkStatus();
  }

  /// Number of the location in the stream, new if it is the first of its kind; -1 if it says
  /// nothing.
  int32_t locationOf(mlir::Location loc) {
    auto [known, isNew] = byAttribute.try_emplace(mlir::LocationAttr(loc), -1);
    if (!isNew)
      return known->second;
    cmd::Origin origin = cmd::originOf(loc);
    if (origin.empty())
      return -1;
    auto [entry, isFirst] =
        byContent.try_emplace({origin.node, origin.op, origin.layer}, stream.locations.size());
    if (isFirst)
      stream.locations.push_back({origin.node, origin.op, origin.layer});
    return known->second = entry->second;
  }

  cmd::StreamOp op;
  Stream stream;
  llvm::StringMap<size_t> tasks, programs;
  llvm::DenseMap<Attribute, int32_t> byAttribute;
  std::map<std::tuple<std::string, std::string, std::string>, int32_t> byContent;
};

//===----------------------------------------------------------------------===//
// From a stream
//===----------------------------------------------------------------------===//

class Importer {
public:
  Importer(const Stream &stream, MLIRContext &context) : stream(stream), builder(&context) {
    for (const Location &location : stream.locations)
      locations.push_back(makeLocation(location));
  }

  OwningOpRef<ModuleOp> run() {
    mlir::Location unknown = builder.getUnknownLoc();
    OwningOpRef<ModuleOp> module = ModuleOp::create(unknown);
    builder.setInsertionPointToStart(module->getBody());
    auto op = cmd::StreamOp::create(builder, unknown, ref(stream.machineName), ref(stream.machine));
    Block *body = &op.getBody().front();
    builder.setInsertionPointToStart(body);

    auto programRef = [&](int32_t index) {
      return FlatSymbolRefAttr::get(builder.getContext(), stream.programs[index].name);
    };
    auto text = [&](const std::string &value) { return builder.getStringAttr(ref(value)); };
    for (const Task &task : stream.tasks)
      cmd::TaskOp::create(builder, unknown, text(task.name), programRef(task.runProgram),
                          tensors(task.inputs), tensors(task.outputs));
    size_t tasks = stream.tasks.size();
    for (size_t i = 0; i < stream.switchTo.size(); ++i)
      if (stream.switchTo[i] >= 0)
        cmd::SwitchOp::create(builder, unknown,
                              i / tasks == tasks ? StringAttr()
                                                 : text(stream.tasks[i / tasks].name),
                              text(stream.tasks[i % tasks].name), programRef(stream.switchTo[i]));
    for (size_t i = 0; i < stream.images.size(); ++i)
      addImage(stream.images[i], absl::StrCat("image_", i));
    for (const Program &program : stream.programs) {
      builder.setInsertionPointToEnd(body);
      addProgram(program);
    }
    builder.setInsertionPointToEnd(body);
    for (const Symbol &symbol : stream.symbols)
      cmd::SymbolOp::create(
          builder, unknown, text(symbol.name), text(symbol.role), text(symbol.placement),
          owners(symbol.owners), text(symbol.tier), builder.getI64IntegerAttr(symbol.address),
          builder.getI64IntegerAttr(symbol.storedBytes), builder.getDenseI64ArrayAttr(symbol.shape),
          text(symbol.format), builder.getI64IntegerAttr(symbol.hash));
    return module;
  }

private:
  mlir::Location makeLocation(const Location &location) {
    mlir::Location loc = builder.getUnknownLoc();
    if (!location.node.empty())
      loc = NameLoc::get(builder.getStringAttr(ref(location.node)));
    if (!location.op.empty() || !location.layer.empty())
      loc = cmd::withOrigin(loc, location.op, location.layer);
    return loc;
  }

  ArrayAttr owners(TaskSet set) {
    SmallVector<StringRef> names;
    for (size_t t = 0; t < stream.tasks.size(); ++t)
      if (set >> t & 1)
        names.push_back(stream.tasks[t].name);
    return builder.getStrArrayAttr(names);
  }

  ArrayAttr tensors(const std::vector<TensorSpec> &specs) {
    SmallVector<Attribute> tensors;
    for (const TensorSpec &spec : specs) {
      Type element = spec.type == ElementType::I32   ? Type(builder.getI32Type())
                     : spec.type == ElementType::I64 ? Type(builder.getI64Type())
                     : spec.type == ElementType::F32 ? Type(builder.getF32Type())
                                                     : Type(builder.getI1Type());
      tensors.push_back(cmd::TensorAttr::get(builder.getContext(), ref(spec.name),
                                             RankedTensorType::get(spec.shape, element)));
    }
    return builder.getArrayAttr(tensors);
  }

  void addImage(const Image &image, StringRef resource) {
    ArrayRef<char> bytes(reinterpret_cast<const char *>(image.bytes.data()), image.bytes.size());
    auto type =
        RankedTensorType::get(static_cast<int64_t>(bytes.size()), builder.getIntegerType(8));
    // Alignment 16: more could not be read back from bytecode in memory.
    auto value = DenseResourceElementsAttr::get(
        type, resource, HeapAsmResourceBlob::allocateAndCopyWithAlign(bytes, /*align=*/16));
    auto op = cmd::ImageOp::create(
        builder, builder.getUnknownLoc(), builder.getStringAttr(ref(image.tier)),
        builder.getI64IntegerAttr(image.address), owners(image.owners), value);
    if (image.coded)
      op->setAttr(kCodedAttr, builder.getUnitAttr());
  }

  void addProgram(const Program &program) {
    SmallVector<StringRef> names;
    for (size_t t = 0; t < stream.tasks.size(); ++t)
      if (program.owners >> t & 1)
        names.push_back(stream.tasks[t].name);
    auto op = cmd::ProgramOp::create(builder, builder.getUnknownLoc(), ref(program.name),
                                     static_cast<cmd::ProgramRole>(program.role), names);
    builder.setInsertionPointToStart(&op.getBody().front());
    size_t nextValue = 0;
    for (size_t i = 0; i < program.code.size(); ++i) {
      int32_t location = program.location.empty() ? -1 : program.location[i];
      Operation *instruction = cmd::createInstruction(
          builder, location < 0 ? builder.getUnknownLoc() : locations[location], program.code[i]);
      if (nextValue == program.values.size() || program.values[nextValue].after != i)
        continue;
      const StoredValue &value = program.values[nextValue];
      instruction->setAttr(
          kValue, cmd::ValueAttr::get(builder.getContext(), static_cast<int64_t>(nextValue),
                                      value.which, value.address, value.tokens, value.features,
                                      value.group, value.transposed, value.bias, value.scale));
      ++nextValue;
    }
  }

  const Stream &stream;
  OpBuilder builder;
  std::vector<mlir::Location> locations;
};

} // namespace

absl::StatusOr<Stream> translateToStream(cmd::StreamOp op) { return Exporter(op).run(); }

absl::StatusOr<OwningOpRef<ModuleOp>> translateFromStream(const Stream &stream,
                                                          MLIRContext &context) {
  if (auto bytes = serialize(stream); !bytes.ok())
    return bytes.status();
  context.loadDialect<cmd::CmdDialect>();
  return Importer(stream, context).run();
}

absl::StatusOr<cmd::StreamOp> findStream(ModuleOp module) {
  auto streams = llvm::to_vector(module.getOps<cmd::StreamOp>());
  if (streams.size() != 1)
    return error("expected one cmd.stream in the module, found ", streams.size(),
                 streams.empty() ? "; compile down to the cmd dialect first" : "");
  return streams.front();
}

absl::StatusOr<std::string> exportStream(ModuleOp module) {
  auto op = findStream(module);
  if (!op.ok())
    return op.status();
  auto stream = translateToStream(*op);
  if (!stream.ok())
    return stream.status();
  return serialize(*stream);
}

absl::StatusOr<OwningOpRef<ModuleOp>> importStream(StringRef bytes, MLIRContext &context) {
  auto stream = deserialize(view(bytes));
  if (!stream.ok())
    return stream.status();
  return translateFromStream(*stream, context);
}

} // namespace aac
