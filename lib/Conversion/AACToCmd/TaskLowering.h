//===- TaskLowering.h - one task's graph to instructions --------*- C++ -*-===//
#ifndef AAC_LIB_CONVERSION_AACTOCMD_TASKLOWERING_H
#define AAC_LIB_CONVERSION_AACTOCMD_TASKLOWERING_H

#include "aac/ISA/Instruction.h"
#include "aac/Machine/Machine.h"
#include "aac/Transforms/ActivationLayout.h"
#include "dialects/AAC/AACDialect.h"

namespace aac {

/// An instruction and the aac operation that it carries out.
struct Emitted {
  isa::Instruction instruction;
  mlir::Operation *source;
  mlir::Operation *named = nullptr; ///< whose node names it, where `source` has none
  /// The most data rows of a matmul's operands A and B, -1: one a mask word.
  std::array<int64_t, 2> operandRows{-1, -1};
};

/// Emitted::operandRows as an attribute of `cmd.matmul`, from lowering to aac-schedule.
inline constexpr llvm::StringLiteral kOperandRows = "cmd.operand_rows";

/// What is known of the engine's memories while a program is written down, so that masks
/// and constant lanes that are there already are not loaded again.
class MemoryState {
public:
  explicit MemoryState(const Engine &engine) { reset(engine); }
  void reset(const Engine &engine) {
    for (int m : {0, 1}) {
      ones[m].assign(engine.maskWords, false);
      lanes[m].assign(engine.dataRows, -1);
    }
  }
  std::vector<bool> ones[2];     ///< mask word known to be all ones
  std::vector<int16_t> lanes[2]; ///< row known to hold this code in every lane, or -1
};

/// Writes the run program of one task.
class TaskLowering {
public:
  TaskLowering(ir::TaskOp task, int64_t number, const Machine &machine, mlir::SymbolTable &symbols,
               const ir::ActivationLayout &layout)
      : task(task), number(number), machine(machine), engine(machine.engine), symbols(symbols),
        layout(layout), state(machine.engine) {}

  mlir::LogicalResult run();
  std::vector<Emitted> program;

private:
  using Op = isa::Opcode;
  using F = isa::Field;

  mlir::LogicalResult lowerBlock(mlir::Block &block);
  mlir::LogicalResult lower(ir::EmbeddingOp op);
  mlir::LogicalResult lower(ir::MaskOp op);
  mlir::LogicalResult lower(ir::LinearOp op);
  mlir::LogicalResult lower(ir::ContextOp op);
  mlir::LogicalResult lower(ir::SoftmaxOp op);
  mlir::LogicalResult lower(ir::ActivationFnOp op);
  mlir::LogicalResult lower(ir::LoopOp op);
  mlir::LogicalResult lower(ir::ReturnOp op);
  mlir::LogicalResult lowerChain(mlir::Operation *last);
  mlir::LogicalResult lowerNorm(ir::LayerNormOp op, int memory, int64_t base, int64_t tokens,
                                bool loadParameters);

  isa::Instruction &emit(isa::Opcode opcode, mlir::Operation *source);
  /// Loads `rows` rows a chunk; strides 0 with one chunk.
  void loadData(mlir::Operation *source, int memory, int64_t row, int64_t rows, uint64_t address,
                int64_t loopStride = 0, int64_t chunks = 1, int64_t addressStride = 0,
                int64_t rowStride = 0);
  void storeData(mlir::Operation *source, int memory, int64_t row, int64_t rows, uint64_t address,
                 int64_t chunks = 1, int64_t addressStride = 0, int64_t rowStride = 0);
  void loadMask(mlir::Operation *source, int memory, int64_t word, int64_t words, uint64_t address,
                int64_t loopStride);
  /// Makes mask words all ones, loading only those that may not be.
  void ensureOnes(mlir::Operation *source, int memory, int64_t word, int64_t words);
  /// Makes 16 rows, every `stride` rows, `blocks` times, constant lanes.
  void ensureLanes(ir::LinearOp op, int memory, int64_t row, int64_t blocks, int64_t stride);
  /// Notes that the engine wrote a dense result.
  void wroteDense(int memory, int64_t base, int64_t vectors);

  ir::StoredOp storedOf(mlir::Operation *op, llvm::StringRef attribute);
  uint64_t addressOf(ir::StoredOp stored) { return stored.getBuffer()->getAddress(); }
  int64_t loopStrideOf(ir::StoredOp stored) {
    return stored.getCount() > 1 ? static_cast<int64_t>(stored.getStride()) : 0;
  }
  /// The address of a placed activation; fails naming the operation.
  mlir::FailureOr<uint64_t> addressOf(mlir::Value value, mlir::Operation *reader);
  mlir::FailureOr<int64_t> inputNumber(mlir::Value ids, mlir::Operation *reader);
  /// scaleOut - minExponents - 4 - extra, checked against the shift field.
  mlir::FailureOr<int64_t> shiftFor(mlir::Operation *op, ir::AdaptivFloatAttr out,
                                    ir::AdaptivFloatAttr a, ir::AdaptivFloatAttr b,
                                    int64_t extraExponent = 0);

  ir::TaskOp task;
  int64_t number;
  const Machine &machine;
  const Engine &engine;
  mlir::SymbolTable &symbols;
  const ir::ActivationLayout &layout;
  MemoryState state;
  llvm::DenseSet<mlir::Operation *> done; ///< carried out together with another
};

} // namespace aac

#endif // AAC_LIB_CONVERSION_AACTOCMD_TASKLOWERING_H
