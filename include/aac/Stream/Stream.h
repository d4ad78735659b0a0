//===- Stream.h - the container of a compiled suite -------------*- C++ -*-===//
//
// A stream (.aacs) holds everything that a device needs to run a suite of tasks:
// the machine it was compiled for, images of the non-volatile tiers, one program
// per task and purpose, the task-switch table, and symbols and locations for
// people. Little-endian; every section has a length and a CRC-32 (IEEE).
//
// Each section says which tasks need it (`owners`), so that
//   size = shared part + sum of the tasks' parts   is a sum over sections.
//
//===----------------------------------------------------------------------===//
#ifndef AAC_STREAM_STREAM_H
#define AAC_STREAM_STREAM_H

#include "aac/ISA/Instruction.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include <cstdint>
#include <string>
#include <vector>

namespace aac {

/// Set of tasks, bit t = task t. At most 64 tasks a stream.
using TaskSet = uint64_t;

enum class ElementType : uint8_t { I32 = 0, I64 = 1, F32 = 2, Bool = 3 };

/// An input or output of a task as its ONNX file named it.
struct TensorSpec {
  std::string name;
  ElementType type = ElementType::F32;
  std::vector<int64_t> shape;
};

/// Bytes at an address of a tier with a permanent image (DRAM or RRAM).
struct Image {
  std::string tier;
  uint64_t address = 0;
  TaskSet owners = 0;
  std::vector<uint8_t> bytes;
  bool coded = false; ///< the file holds them near their entropy (Codec.h)
};

enum class ProgramRole : uint8_t {
  PowerOn, ///< once after power-on, before any task
  Switch,  ///< brings a task's parameters in
  Run,     ///< one inference of a task that is in
};

/// An activation that a program leaves in a tier's memory: what it is compared by with a
/// reference. Codes of AdaptivFloat<8,3> in block order.
struct StoredValue {
  /// The instruction after which it is complete (in a loop: in each repetition), and whose
  /// location is the value's.
  uint32_t after = 0;
  /// Which of the operations with this location it is of: several may come from one node.
  uint32_t which = 0;
  uint64_t address = 0;
  int64_t tokens = 0, features = 0;
  /// Not 0: every `group` features are padded to a multiple of 16 of their own.
  int64_t group = 0;
  bool transposed = false; ///< [features x tokens] in memory
  int32_t bias = 0, scale = 0;

  /// Rows and columns in memory, padded to multiples of 16.
  int64_t rows() const;
  int64_t columns() const;
  uint64_t bytes() const { return static_cast<uint64_t>(rows() * columns()); }
};

struct Program {
  std::string name;
  ProgramRole role = ProgramRole::Run;
  TaskSet owners = 0;
  std::vector<isa::Instruction> code;
  /// For each instruction an index into Stream::locations, or -1. Same length as
  /// code, or empty.
  std::vector<int32_t> location;
  /// In the order in which they are completed; at most one by an instruction.
  std::vector<StoredValue> values = {};
};

struct Task {
  std::string name;
  std::vector<TensorSpec> inputs, outputs;
  int32_t runProgram = -1; ///< index into Stream::programs
};

/// A stored parameter, for reports and for adding a task later.
struct Symbol {
  std::string name;
  std::string role;      ///< "embedding", "attention", "ffn", "adapter", ...
  std::string placement; ///< "shared", "subset", "task"
  TaskSet owners = 0;
  std::string tier;     ///< where it is read at run time
  uint64_t address = 0; ///< there
  uint64_t storedBytes = 0;
  std::vector<int64_t> shape;
  std::string format; ///< "af<8,3,bias=5,scale=-2>", "i32", ...
  uint64_t hash = 0;  ///< XXH3 of the f32 bytes
};

/// Where instructions come from: ONNX node names, layer and op for reports.
struct Location {
  std::string node;  ///< ONNX node name(s)
  std::string op;    ///< aac op: "linear", "softmax", ...
  std::string layer; ///< "embedding", "layer", "head"
  /// The first node's name: enough to find the place where many were fused.
  absl::string_view firstNode() const { return absl::string_view(node).substr(0, node.find(';')); }
};

struct Stream {
  std::string machineName;
  std::string machine; ///< the whole resolved machine description as text
  std::vector<Task> tasks;
  std::vector<Image> images;
  std::vector<Program> programs;
  /// switchTo[from * tasks + to] = index of the switch program, -1 on the diagonal.
  /// Row `tasks` (from = none) is the switch after power-on.
  std::vector<int32_t> switchTo;
  std::vector<Symbol> symbols;
  std::vector<Location> locations;
};

/// Serialises. Deterministic. Error if the stream breaks a rule of the format.
absl::StatusOr<std::string> serialize(const Stream &stream);
/// Parses and validates (magic, version, lengths, CRCs, indices). Errors name the
/// section and the field.
absl::StatusOr<Stream> deserialize(absl::string_view bytes);

/// Bytes of the serialised stream by owner: sections that all tasks need, that
/// several need, and per task.
struct StreamSize {
  uint64_t shared = 0, subset = 0;
  std::vector<uint64_t> task;
};
absl::StatusOr<StreamSize> sizeByOwner(absl::string_view bytes);

/// Text form and back: assemble(disassemble(bytes)) == bytes.
absl::StatusOr<std::string> disassemble(absl::string_view bytes);
absl::StatusOr<std::string> assemble(absl::string_view text);

} // namespace aac

#endif // AAC_STREAM_STREAM_H
