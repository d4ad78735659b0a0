//===- GuardedStream.h - what parsing a file will cost ----------*- C++ -*-===//
//
// Two bytes of a file can become a message of 200 bytes in memory. This stream follows the
// wire format while protobuf reads from it and ends the file where messages would need far
// more memory than the file has bytes. Weights cost what they are and are only skipped.
//
//===----------------------------------------------------------------------===//
#ifndef AAC_LIB_IMPORT_ONNX_GUARDEDSTREAM_H
#define AAC_LIB_IMPORT_ONNX_GUARDEDSTREAM_H

#include <cstdint>
#include <google/protobuf/io/zero_copy_stream.h>
#include <vector>

namespace aac::onnx {

class GuardedStream : public google::protobuf::io::ZeroCopyInputStream {
public:
  explicit GuardedStream(google::protobuf::io::ZeroCopyInputStream &source) : source(source) {
    messages.push_back({Kind::Model, INT64_MAX});
  }

  bool Next(const void **data, int *size) override;
  void BackUp(int count) override;
  bool Skip(int count) override;
  int64_t ByteCount() const override { return source.ByteCount(); }

  /// Whether it ended the file because of its cost.
  bool tooExpensive() const { return cost > kFree + bytes + bytes / 4; }

  /// Whether it ended the file because of what cannot be ONNX: groups, lengths or nesting
  /// that protobuf would refuse.
  bool broken() const { return state == State::Broken; }

  /// Bytes of messages that any file may have, whatever its size.
  static constexpr int64_t kFree = int64_t{128} << 20;

private:
  /// Messages of ONNX that hold messages, and fields of numbers.
  enum class Kind : uint8_t {
    Bytes, ///< a string, bytes or unknown field: skipped
    Varints,
    Fixed32,
    Fixed64,
    Message, ///< any message without messages in it
    Model,
    Graph,
    Node,
    Attribute,
    Tensor,
    SparseTensor,
    ValueInfo,
    Type,
    TypeOf, ///< the messages in a Type
    Shape,
    Training,
    Annotation,
    Function,
  };
  /// What a length-delimited field of a message is.
  static Kind fieldOf(Kind message, uint64_t field);

  void follow(const uint8_t *data, int64_t size);
  void endField(int64_t consumed);

  struct Open {
    Kind kind;
    int64_t left; ///< bytes of it to come
  };
  enum class State : uint8_t { Tag, Varint, Length, Broken };

  google::protobuf::io::ZeroCopyInputStream &source;
  int backedUp = 0; ///< bytes given out, followed and given back
  std::vector<Open> messages;
  State state = State::Tag;
  int64_t skip = 0; ///< bytes of a string or fixed number to come
  Kind skipped = Kind::Bytes;
  uint64_t number = 0; ///< of the tag or length being read
  int shift = 0;
  uint64_t field = 0;
  int64_t bytes = 0, cost = 0;
};

} // namespace aac::onnx

#endif // AAC_LIB_IMPORT_ONNX_GUARDEDSTREAM_H
