//===- Tensors.cpp - checked values of TensorProto ------------------------===//
//
// Every way in which ONNX stores values becomes little-endian bytes; nothing is read
// before its size is known to be right.
//
//===----------------------------------------------------------------------===//
#include "Tensors.h"
#include "ExternalData.h"
#include "Messages.h"

#include AAC_ONNX_PB_H

#include "aac/Support/Hash.h"
#include "absl/strings/str_join.h"
#include "dialects/ONNX/ONNXInfer.h"
#include "llvm/ADT/APFloat.h"
#include <algorithm>
#include <cstring>
#include <limits>

namespace aac::onnx {
namespace {

using Proto = ::onnx::TensorProto;

struct DataType {
  const char *name;
  int64_t size; ///< 0: cannot be imported
};

/// Index: TensorProto.DataType, those newer than the installed proto included.
constexpr DataType kTypes[] = {{"undefined", 0},      {"float", 4},      {"uint8", 1},
                               {"int8", 1},           {"uint16", 2},     {"int16", 2},
                               {"int32", 4},          {"int64", 8},      {"string", 0},
                               {"bool", 1},           {"float16", 2},    {"double", 8},
                               {"uint32", 4},         {"uint64", 0},     {"complex64", 0},
                               {"complex128", 0},     {"bfloat16", 2},   {"float8e4m3fn", 0},
                               {"float8e4m3fnuz", 0}, {"float8e5m2", 0}, {"float8e5m2fnuz", 0},
                               {"uint4", 0},          {"int4", 0},       {"float4e2m1", 0},
                               {"float8e8m0", 0},     {"uint2", 0},      {"int2", 0}};

/// The typed fields that hold values, with how many each has.
struct Field {
  const char *name;
  int size;
};

/// The typed field that values of `type` go to.
const char *fieldOf(int32_t type) {
  switch (type) {
  case Proto::FLOAT:
    return "float_data";
  case Proto::DOUBLE:
    return "double_data";
  case Proto::INT64:
    return "int64_data";
  case Proto::UINT32:
    return "uint64_data";
  default:
    return "int32_data";
  }
}

template <typename To, typename From> void append(const From &values, std::string &bytes) {
  bytes.resize(values.size() * sizeof(To));
  for (int i = 0; i < values.size(); ++i) {
    To value = static_cast<To>(values.Get(i));
    std::memcpy(bytes.data() + i * sizeof(To), &value, sizeof(To));
  }
}

void packTyped(const Proto &proto, std::string &bytes) {
  switch (proto.data_type()) {
  case Proto::FLOAT:
    return append<float>(proto.float_data(), bytes);
  case Proto::DOUBLE:
    return append<double>(proto.double_data(), bytes);
  case Proto::INT64:
    return append<int64_t>(proto.int64_data(), bytes);
  case Proto::UINT32:
    return append<uint32_t>(proto.uint64_data(), bytes);
  case Proto::INT32:
    return append<int32_t>(proto.int32_data(), bytes);
  case Proto::INT16:
  case Proto::UINT16:
  case Proto::FLOAT16:
  case Proto::BFLOAT16:
    return append<uint16_t>(proto.int32_data(), bytes);
  default:
    return append<uint8_t>(proto.int32_data(), bytes);
  }
}

/// fp16, bf16 and double bytes to f32 ones; bools to 0 and 1.
void normalise(int32_t type, std::string &bytes) {
  if (type == Proto::BOOL) {
    for (char &c : bytes)
      c = c != 0;
    return;
  }
  if (type == Proto::DOUBLE) {
    std::string narrow(bytes.size() / 2, '\0');
    for (size_t i = 0; i < narrow.size() / 4; ++i) {
      double value;
      std::memcpy(&value, bytes.data() + 8 * i, 8);
      float rounded = static_cast<float>(value);
      std::memcpy(narrow.data() + 4 * i, &rounded, 4);
    }
    bytes = std::move(narrow);
    return;
  }
  if (type != Proto::FLOAT16 && type != Proto::BFLOAT16)
    return;
  std::string wide(bytes.size() * 2, '\0');
  for (size_t i = 0; i < bytes.size() / 2; ++i) {
    uint16_t half;
    std::memcpy(&half, bytes.data() + 2 * i, 2);
    float value;
    if (type == Proto::BFLOAT16) {
      uint32_t bits = static_cast<uint32_t>(half) << 16;
      std::memcpy(&value, &bits, 4);
    } else {
      llvm::APFloat f(llvm::APFloat::IEEEhalf(), llvm::APInt(16, half));
      bool lossy;
      f.convert(llvm::APFloat::IEEEsingle(), llvm::APFloat::rmNearestTiesToEven, &lossy);
      value = f.convertToFloat();
    }
    std::memcpy(wide.data() + 4 * i, &value, 4);
  }
  bytes = std::move(wide);
}

} // namespace

int64_t TensorData::numElements() const {
  int64_t count = 1;
  for (int64_t d : dims)
    count *= d;
  return count;
}

std::string dataTypeName(int32_t dataType) {
  if (dataType >= 0 && dataType < static_cast<int32_t>(std::size(kTypes)))
    return kTypes[dataType].name;
  return absl::StrCat(dataType);
}

int64_t dataTypeSize(int32_t dataType) {
  if (dataType >= 0 && dataType < static_cast<int32_t>(std::size(kTypes)))
    return kTypes[dataType].size;
  return 0;
}

bool becomesF32(int32_t dataType) {
  return dataType == Proto::FLOAT16 || dataType == Proto::BFLOAT16 || dataType == Proto::DOUBLE;
}

absl::StatusOr<int64_t> countElements(absl::Span<const int64_t> dims) {
  if (dims.size() > kMaxRank)
    return bad(absl::StrCat("has ", dims.size(), " dimensions, the most are ", kMaxRank));
  int64_t count = 1;
  bool overflow = false, empty = false;
  for (int64_t d : dims) {
    if (d < 0)
      return bad(
          absl::StrCat("dimension ", d, " of [", absl::StrJoin(dims, ", "), "] is negative"));
    empty |= d == 0;
    overflow |= __builtin_mul_overflow(count, std::max<int64_t>(d, 1), &count);
  }
  // 16 bytes an element must be countable too.
  if (overflow || count > std::numeric_limits<int64_t>::max() / 16)
    return bad(absl::StrCat("dims [", absl::StrJoin(dims, ", "), "] have too many elements"));
  return empty ? 0 : count;
}

absl::Status checkFinite(const TensorData &tensor) {
  if (tensor.dataType != Proto::FLOAT && !becomesF32(tensor.dataType))
    return absl::OkStatus();
  constexpr uint32_t kSign = 0x80000000, kInfinity = 0x7f800000;
  const std::string &bytes = *tensor.bytes;
  size_t count = bytes.size() / 4;
  auto bitsAt = [&](size_t i) {
    uint32_t bits;
    std::memcpy(&bits, bytes.data() + 4 * i, 4);
    return bits & ~kSign;
  };
  uint32_t largest = 0;
  for (size_t i = 0; i < count; ++i)
    largest = std::max(largest, bitsAt(i));
  if (largest < kInfinity)
    return absl::OkStatus();
  size_t infinity = count, number = count;
  for (size_t i = 0; i < count; ++i) {
    uint32_t bits = bitsAt(i);
    if (bits > kInfinity)
      return bad(absl::StrCat("element ", i, " is not a number (NaN)"));
    if (bits == kInfinity)
      infinity = std::min(infinity, i);
    else if (bits != 0)
      number = std::min(number, i);
  }
  if (number == count)
    return absl::OkStatus();
  return bad(absl::StrCat("element ", infinity, " is infinite",
                          tensor.dataType == Proto::DOUBLE ? " as f32" : "",
                          ": only a mask of zeros and infinities may be"));
}

absl::StatusOr<TensorData> takeTensor(Proto &proto, ExternalData &external) {
  TensorData tensor;
  tensor.name = proto.name();
  tensor.dataType = proto.data_type();
  tensor.dims.assign(proto.dims().begin(), proto.dims().end());
  int64_t itemSize = dataTypeSize(tensor.dataType);
  if (itemSize == 0)
    return bad(absl::StrCat("element type ", dataTypeName(tensor.dataType), " is not supported"));
  if (proto.has_segment())
    return bad("tensors in segments are not supported");
  auto count = countElements(tensor.dims);
  if (!count.ok())
    return count.status();
  int64_t wanted = *count * itemSize;

  const Field fields[] = {
      {"float_data", proto.float_data_size()},   {"int32_data", proto.int32_data_size()},
      {"string_data", proto.string_data_size()}, {"int64_data", proto.int64_data_size()},
      {"double_data", proto.double_data_size()}, {"uint64_data", proto.uint64_data_size()}};
  const Field *typed = nullptr;
  for (const Field &field : fields) {
    if (field.size == 0)
      continue;
    if (typed || proto.has_raw_data())
      return bad(
          absl::StrCat("has values in ", typed ? typed->name : "raw_data", " and in ", field.name));
    typed = &field;
  }

  if (proto.data_location() == Proto::EXTERNAL) {
    if (typed || proto.has_raw_data())
      return bad(absl::StrCat("is external but has values in ", typed ? typed->name : "raw_data"));
    auto range = external.locate(proto, wanted);
    if (!range.ok())
      return range.status();
    // Equal offsets are equal ranges, those of no bytes apart.
    std::shared_ptr<std::string> none;
    auto &known = wanted == 0 ? none : range->file->known[{range->offset, tensor.dataType}];
    if (!known) {
      auto bytes = external.read(*range);
      if (!bytes.ok())
        return bytes.status();
      known = std::make_shared<std::string>(*std::move(bytes));
    }
    tensor.bytes = known;
    return tensor;
  }
  if (proto.external_data_size() != 0)
    return bad("has external_data but data_location is not EXTERNAL");
  tensor.bytes = std::make_shared<std::string>();
  if (typed) {
    const char *expected = fieldOf(tensor.dataType);
    if (absl::string_view(expected) != typed->name)
      return bad(absl::StrCat("is ", dataTypeName(tensor.dataType), " but has values in ",
                              typed->name, " instead of ", expected));
    if (typed->size != *count)
      return bad(absl::StrCat(typed->name, " has ", typed->size, " values, dims [",
                              absl::StrJoin(tensor.dims, ", "), "] need ", *count));
    packTyped(proto, *tensor.bytes);
    Proto().Swap(&proto); // frees what is packed now
  } else {
    if (static_cast<int64_t>(proto.raw_data().size()) != wanted)
      return bad(absl::StrCat(proto.has_raw_data() ? "raw_data has " : "has no values: ",
                              proto.raw_data().size(), " bytes, ", dataTypeName(tensor.dataType),
                              " [", absl::StrJoin(tensor.dims, ", "), "] needs ", wanted));
    if (proto.has_raw_data())
      *tensor.bytes = std::move(*proto.mutable_raw_data());
    proto.clear_raw_data();
  }
  return tensor;
}

void settle(TensorData &tensor) {
  normalise(tensor.dataType, *tensor.bytes);
  tensor.hash = hashBytes(*tensor.bytes);
}

std::shared_ptr<std::string> Contents::unique(uint64_t hash, std::shared_ptr<std::string> bytes) {
  for (size_t compared = 0;; ++compared) {
    std::shared_ptr<std::string> other;
    {
      std::lock_guard<std::mutex> lock(mutex);
      auto &same = known[hash];
      if (compared == same.size()) {
        same.push_back(bytes);
        return bytes;
      }
      other = same[compared];
    }
    if (other == bytes || *other == *bytes)
      return other;
  }
}

} // namespace aac::onnx
