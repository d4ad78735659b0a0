//===- GuardedStream.cpp - what parsing a file will cost ------------------===//
#include "GuardedStream.h"

#include <algorithm>

namespace aac::onnx {
namespace {

// Memory in protobuf's classes, rounded up: what growing lists leave unused is in it.
constexpr int64_t kMessageCost = 240, kStringCost = 64, kNumberCost = 16;

} // namespace

GuardedStream::Kind GuardedStream::fieldOf(Kind message, uint64_t field) {
  switch (message) {
  case Kind::Model:
    return field == 7                                 ? Kind::Graph
           : field == 20                              ? Kind::Training
           : field == 25                              ? Kind::Function
           : field == 8 || field == 14 || field == 26 ? Kind::Message
                                                      : Kind::Bytes;
  case Kind::Graph:
    return field == 1                                  ? Kind::Node
           : field == 5                                ? Kind::Tensor
           : field == 15                               ? Kind::SparseTensor
           : field == 11 || field == 12 || field == 13 ? Kind::ValueInfo
           : field == 14                               ? Kind::Annotation
           : field == 16                               ? Kind::Message
                                                       : Kind::Bytes;
  case Kind::Node:
    return field == 5 ? Kind::Attribute : field == 9 ? Kind::Message : Kind::Bytes;
  case Kind::Attribute:
    return field == 5 || field == 10    ? Kind::Tensor
           : field == 6 || field == 11  ? Kind::Graph
           : field == 22 || field == 23 ? Kind::SparseTensor
           : field == 14 || field == 15 ? Kind::Type
           : field == 7                 ? Kind::Fixed32
           : field == 8                 ? Kind::Varints
                                        : Kind::Bytes;
  case Kind::Tensor:
    return field == 1 || field == 5 || field == 7 || field == 11 ? Kind::Varints
           : field == 4                                          ? Kind::Fixed32
           : field == 10                                         ? Kind::Fixed64
           : field == 3 || field == 13 || field == 16            ? Kind::Message
                                                                 : Kind::Bytes;
  case Kind::SparseTensor:
    return field == 1 || field == 2 ? Kind::Tensor : field == 3 ? Kind::Varints : Kind::Bytes;
  case Kind::ValueInfo:
    return field == 2 ? Kind::Type : field == 4 ? Kind::Message : Kind::Bytes;
  case Kind::Type:
    return field == 6 ? Kind::Bytes : Kind::TypeOf;
  case Kind::TypeOf: // tensors have a shape as field 2, sequences and maps a type as 1 or 2
    return field == 1 ? Kind::Type : field == 2 ? Kind::Shape : Kind::Bytes;
  case Kind::Shape:
    return field == 1 ? Kind::Message : Kind::Bytes;
  case Kind::Training:
    return field == 1 || field == 2 ? Kind::Graph : Kind::Message;
  case Kind::Annotation:
    return field == 2 ? Kind::Message : Kind::Bytes;
  case Kind::Function:
    return field == 7                  ? Kind::Node
           : field == 11               ? Kind::Attribute
           : field == 12               ? Kind::ValueInfo
           : field == 9 || field == 14 ? Kind::Message
                                       : Kind::Bytes;
  default:
    return Kind::Bytes;
  }
}

/// `consumed` bytes of the innermost message are read; those that end are closed.
void GuardedStream::endField(int64_t consumed) {
  messages.back().left -= consumed;
  while (messages.back().left <= 0 && messages.size() > 1) {
    if (messages.back().left < 0) // longer than the message around it: protobuf refuses
      state = State::Broken;
    messages.pop_back();
  }
}

void GuardedStream::follow(const uint8_t *data, int64_t size) {
  bytes += size;
  for (int64_t at = 0; at < size && state != State::Broken;) {
    if (skip > 0) {
      int64_t part = std::min(skip, size - at);
      if (skipped == Kind::Varints) // each ends with a byte whose high bit is clear
        cost += kNumberCost * std::count_if(data + at, data + at + part,
                                            [](uint8_t byte) { return byte < 0x80; });
      else
        cost += part;
      skip -= part;
      at += part;
      if (skip == 0)
        endField(0);
      continue;
    }
    uint8_t byte = data[at++];
    --messages.back().left;
    if (shift > 63) {
      state = State::Broken;
      break;
    }
    number |= static_cast<uint64_t>(byte & 0x7f) << shift;
    shift += 7;
    if (byte & 0x80)
      continue;
    uint64_t value = number;
    number = 0;
    shift = 0;
    switch (state) {
    case State::Tag:
      field = value >> 3;
      switch (value & 7) {
      case 0:
        state = State::Varint;
        break;
      case 2:
        state = State::Length;
        break;
      case 1:
      case 5:
        cost += kNumberCost;
        skip = (value & 7) == 1 ? 8 : 4;
        skipped = Kind::Bytes;
        messages.back().left -= skip;
        break;
      default: // groups: ONNX has none
        state = State::Broken;
      }
      break;
    case State::Varint:
      cost += kNumberCost;
      state = State::Tag;
      endField(0);
      break;
    case State::Length: {
      state = State::Tag;
      if (value > INT32_MAX) {
        state = State::Broken;
        break;
      }
      Kind kind = fieldOf(messages.back().kind, field);
      int64_t length = static_cast<int64_t>(value);
      messages.back().left -= length;
      if (kind >= Kind::Message) {
        cost += kMessageCost;
        messages.push_back({kind, length});
        if (messages.size() > 128) // more than protobuf follows
          state = State::Broken;
        else if (length == 0)
          endField(0);
      } else {
        cost += kStringCost;
        skip = length;
        skipped = kind;
        if (length == 0)
          endField(0);
      }
      break;
    }
    case State::Broken:
      break;
    }
  }
}

bool GuardedStream::Next(const void **data, int *size) {
  if (tooExpensive() || !source.Next(data, size))
    return false;
  int known = std::min(backedUp, *size);
  backedUp -= known;
  follow(static_cast<const uint8_t *>(*data) + known, *size - known);
  return !tooExpensive() && !broken();
}

void GuardedStream::BackUp(int count) {
  source.BackUp(count);
  backedUp += count;
}

bool GuardedStream::Skip(int count) {
  const void *data;
  int size;
  while (count > 0) {
    if (!Next(&data, &size))
      return false;
    if (size > count) {
      BackUp(size - count);
      size = count;
    }
    count -= size;
  }
  return true;
}

} // namespace aac::onnx
