//===- CmdInstructions.cpp - operations to instructions and back ----------===//
#include "dialects/Cmd/CmdDialect.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;
using namespace aac;
using namespace aac::cmd;

namespace {

StringRef ref(absl::string_view text) { return {text.data(), text.size()}; }

constexpr StringLiteral kPrefix = "cmd.";

/// The table's row of an operation, or null. Operations of other dialects have none.
const isa::InstructionSpec *specOf(OperationName name) {
  static const llvm::StringMap<const isa::InstructionSpec *> specs = [] {
    llvm::StringMap<const isa::InstructionSpec *> specs;
    for (const isa::InstructionSpec &spec : isa::allInstructions())
      specs[(kPrefix + ref(spec.name)).str()] = &spec;
    return specs;
  }();
  return specs.lookup(name.getStringRef());
}

/// Collects names and the first origin of a location.
void collect(Location loc, SmallVectorImpl<StringRef> &names, OriginAttr &origin) {
  if (auto name = dyn_cast<NameLoc>(loc)) {
    if (!name.getName().empty() && !llvm::is_contained(names, name.getName().getValue()))
      names.push_back(name.getName());
    // A child is where the name stands in a file; it may still carry an origin.
    collect(name.getChildLoc(), names, origin);
  } else if (auto fused = dyn_cast<FusedLoc>(loc)) {
    if (!origin)
      origin = dyn_cast_or_null<OriginAttr>(fused.getMetadata());
    for (Location part : fused.getLocations())
      collect(part, names, origin);
  } else if (auto call = dyn_cast<CallSiteLoc>(loc)) {
    collect(call.getCallee(), names, origin);
  }
}

} // namespace

bool aac::cmd::isInstruction(Operation *op) { return specOf(op->getName()) != nullptr; }

void aac::cmd::buildInstruction(OpBuilder &builder, OperationState &state,
                                ArrayRef<int64_t> values) {
  const isa::InstructionSpec *spec = specOf(state.name);
  for (auto [field, value] :
       llvm::zip(llvm::ArrayRef(spec->fields.data(), spec->fields.size()), values))
    state.addAttribute(ref(field.name), builder.getI64IntegerAttr(value));
}

Operation *aac::cmd::createInstruction(OpBuilder &builder, Location loc,
                                       const isa::Instruction &instruction) {
  OperationState state(loc, (kPrefix + ref(isa::specOf(instruction.opcode).name)).str());
  buildInstruction(builder, state, instruction.values);
  return builder.create(state);
}

FailureOr<isa::Instruction> aac::cmd::toInstruction(Operation *op) {
  const isa::InstructionSpec *spec = specOf(op->getName());
  if (!spec)
    return op->emitOpError("is not an instruction");
  isa::Instruction instruction(spec->opcode);
  for (size_t i = 0; i < spec->fields.size(); ++i) {
    auto value = op->getAttrOfType<IntegerAttr>(ref(spec->fields[i].name));
    if (!value)
      return op->emitOpError() << "has no field '" << ref(spec->fields[i].name) << "'";
    instruction.values[i] = value.getInt();
  }
  return instruction;
}

Location aac::cmd::withOrigin(Location base, StringRef op, StringRef layer) {
  MLIRContext *context = base.getContext();
  return FusedLoc::get({base}, OriginAttr::get(context, op, layer), context);
}

Origin aac::cmd::originOf(Location loc) {
  SmallVector<StringRef> names;
  OriginAttr origin;
  collect(loc, names, origin);
  return {llvm::join(names, ";"), origin ? origin.getOp().str() : "",
          origin ? origin.getLayer().str() : ""};
}
