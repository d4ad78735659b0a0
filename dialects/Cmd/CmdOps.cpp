//===- CmdOps.cpp - builders and verifiers of the cmd dialect -------------===//
#include "dialects/Cmd/CmdDialect.h"

#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace aac::cmd;

//===----------------------------------------------------------------------===//
// StreamOp
//===----------------------------------------------------------------------===//

void StreamOp::build(OpBuilder &builder, OperationState &state, StringRef machine,
                     StringRef machineText) {
  state.getOrAddProperties<Properties>().machine = builder.getStringAttr(machine);
  state.getOrAddProperties<Properties>().machine_text = builder.getStringAttr(machineText);
  state.addRegion()->emplaceBlock();
}

/// Each owner is a task of the stream, none is there twice, and there is at least one.
static LogicalResult verifyOwners(Operation *op, ArrayAttr owners, const llvm::StringSet<> &tasks) {
  if (owners.empty())
    return op->emitOpError("has no owners; name the tasks that need it");
  llvm::StringSet<> seen;
  for (StringAttr owner : owners.getAsRange<StringAttr>()) {
    if (!tasks.contains(owner.getValue()))
      return op->emitOpError() << "is owned by '" << owner.getValue()
                               << "', which is not a task of the stream";
    if (!seen.insert(owner.getValue()).second)
      return op->emitOpError() << "is owned by '" << owner.getValue() << "' twice";
  }
  return success();
}

LogicalResult StreamOp::verifyRegions() {
  llvm::StringSet<> tasks;
  for (TaskOp task : getBody().getOps<TaskOp>())
    if (!tasks.insert(task.getTaskName()).second)
      return task.emitOpError() << "'" << task.getTaskName() << "' is there twice";
  if (tasks.size() > 64)
    return emitOpError() << "has " << tasks.size() << " tasks; the most is 64";

  llvm::StringSet<> switches;
  for (Operation &op : getBody().front()) {
    if (auto image = dyn_cast<ImageOp>(op)) {
      if (failed(verifyOwners(image, image.getOwners(), tasks)))
        return failure();
    } else if (auto program = dyn_cast<ProgramOp>(op)) {
      if (failed(verifyOwners(program, program.getOwners(), tasks)))
        return failure();
    } else if (auto symbol = dyn_cast<SymbolOp>(op)) {
      if (failed(verifyOwners(symbol, symbol.getOwners(), tasks)))
        return failure();
    } else if (auto change = dyn_cast<SwitchOp>(op)) {
      StringRef from = change.getFrom().value_or("");
      for (StringRef task : {from, change.getTo()})
        if (!(change.getFrom() == std::nullopt && task.empty()) && !tasks.contains(task))
          return change.emitOpError() << "'" << task << "' is not a task of the stream";
      if (change.getFrom() && from == change.getTo())
        return change.emitOpError() << "from '" << from << "' to itself";
      std::string key = (change.getFrom() ? "f" + from : std::string("n")).str();
      if (!switches.insert(key + std::string(1, '\0') + change.getTo().str()).second)
        return change.emitOpError() << "is there twice";
    } else if (!llvm::isa<TaskOp>(op)) {
      return op.emitOpError("does not belong in a cmd.stream");
    }
  }
  return success();
}

//===----------------------------------------------------------------------===//
// ImageOp
//===----------------------------------------------------------------------===//

ArrayRef<char> ImageOp::getRawBytes(std::string &scratch) {
  if (auto dense = dyn_cast<DenseElementsAttr>(getBytes())) {
    if (!dense.isSplat())
      return dense.getRawData();
    scratch.assign(dense.getNumElements(), dense.getRawData().front());
    return scratch;
  }
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(getBytes()))
    if (const AsmResourceBlob *blob = resource.getRawHandle().getBlob())
      return blob->getData();
  return {};
}

LogicalResult ImageOp::verify() {
  ShapedType type = getBytes().getShapedType();
  if (type.getRank() != 1 || !type.getElementType().isInteger(8) || type.getNumElements() == 0)
    return emitOpError() << "bytes must be a tensor of one dimension of i8 that is not empty, got "
                         << type;
  if (!llvm::isa<DenseElementsAttr, DenseResourceElementsAttr>(getBytes()))
    return emitOpError("bytes must be dense or dense_resource");
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(getBytes())) {
    const AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    if (!blob)
      return emitOpError() << "resource '" << resource.getRawHandle().getKey() << "' has no data";
    if (blob->getData().size() != static_cast<size_t>(type.getNumElements()))
      return emitOpError() << "resource '" << resource.getRawHandle().getKey() << "' has "
                           << blob->getData().size() << " bytes, its type " << type << " has "
                           << type.getNumElements();
  }
  constexpr int64_t space = int64_t{1} << 32;
  auto address = static_cast<int64_t>(getAddress());
  if (address < 0 || address >= space || type.getNumElements() > space - address)
    return emitOpError() << "address " << address << " and " << type.getNumElements()
                         << " bytes pass the 32-bit address space";
  return success();
}

//===----------------------------------------------------------------------===//
// TaskOp and SwitchOp
//===----------------------------------------------------------------------===//

/// `program` is a program of role `role` that `task` owns.
static LogicalResult verifyProgramUse(Operation *op, SymbolTableCollection &tables,
                                      FlatSymbolRefAttr symbol, ProgramRole role, StringRef task) {
  auto program = tables.lookupNearestSymbolFrom<ProgramOp>(op, symbol);
  if (!program)
    return op->emitOpError() << "there is no program " << symbol;
  bool roleFits = program.getRole() == role;
  if (roleFits && llvm::is_contained(program.getOwners().getAsValueRange<StringAttr>(), task))
    return success();
  InFlightDiagnostic diag = op->emitOpError() << "program " << symbol;
  if (!roleFits)
    diag << " has role " << stringifyProgramRole(program.getRole()) << ", expected "
         << stringifyProgramRole(role);
  else
    diag << " is not owned by '" << task << "'";
  diag.attachNote(program.getLoc()) << "program declared here";
  return diag;
}

LogicalResult TaskOp::verifySymbolUses(SymbolTableCollection &tables) {
  return verifyProgramUse(*this, tables, getRunAttr(), ProgramRole::Run, getTaskName());
}

LogicalResult SwitchOp::verifySymbolUses(SymbolTableCollection &tables) {
  return verifyProgramUse(*this, tables, getProgramAttr(), ProgramRole::Switch, getTo());
}

//===----------------------------------------------------------------------===//
// ProgramOp
//===----------------------------------------------------------------------===//

void ProgramOp::build(OpBuilder &builder, OperationState &state, StringRef name, ProgramRole role,
                      ArrayRef<StringRef> owners) {
  auto &properties = state.getOrAddProperties<Properties>();
  properties.sym_name = builder.getStringAttr(name);
  properties.role = ProgramRoleAttr::get(builder.getContext(), role);
  properties.owners = builder.getStrArrayAttr(owners);
  state.addRegion()->emplaceBlock();
}

LogicalResult ProgramOp::verifyRegions() {
  Operation *loop = nullptr;
  for (Operation &op : getBody().front()) {
    if (!isInstruction(&op))
      return op.emitOpError("is not an instruction; a cmd.program holds nothing else");
    if (llvm::isa<LoopOp>(op)) {
      if (loop) {
        InFlightDiagnostic diag = op.emitOpError("inside a loop; loops do not nest");
        diag.attachNote(loop->getLoc()) << "the loop around it";
        return diag;
      }
      loop = &op;
    } else if (llvm::isa<EndOp>(op)) {
      if (!loop)
        return op.emitOpError("without a cmd.loop before it");
      loop = nullptr;
    }
  }
  if (loop)
    return loop->emitOpError("without a cmd.end after it");
  return success();
}

static ParseResult parseProgramRole(OpAsmParser &parser, ProgramRoleAttr &role) {
  StringRef word;
  llvm::SMLoc at = parser.getCurrentLocation();
  if (parser.parseKeyword(&word))
    return failure();
  std::optional<ProgramRole> value = symbolizeProgramRole(word);
  if (!value)
    return parser.emitError(at) << "role is '" << word << "', expected power_on, switch or run";
  role = ProgramRoleAttr::get(parser.getContext(), *value);
  return success();
}

static void printProgramRole(OpAsmPrinter &printer, ProgramOp, ProgramRoleAttr role) {
  printer << stringifyProgramRole(role.getValue());
}

#define GET_OP_CLASSES
#include "dialects/Cmd/CmdOps.cpp.inc"
