#include "aac/Support/Npz.h"

#include "aac/Support/File.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <set>
#include <zip.h>

namespace aac {
namespace {

// Bytes of the largest array that is read: stops deflated members that expand
// without bound.
constexpr uint64_t kMaxArrayBytes = uint64_t{1} << 33;
constexpr absl::string_view kMagic("\x93NUMPY", 6);

template <typename T> T loadAs(const uint8_t *bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof(T));
  return value;
}

float halfToFloat(uint16_t half) {
  int exponent = (half >> 10) & 31;
  int mantissa = half & 1023;
  float sign = half & 0x8000 ? -1.0f : 1.0f;
  if (exponent == 31)
    return mantissa ? std::numeric_limits<float>::quiet_NaN()
                    : sign * std::numeric_limits<float>::infinity();
  if (exponent == 0)
    return sign * std::ldexp(static_cast<float>(mantissa), -24);
  return sign * std::ldexp(static_cast<float>(mantissa + 1024), exponent - 25);
}

bool validItem(char kind, int itemSize) {
  bool power = itemSize == 1 || itemSize == 2 || itemSize == 4 || itemSize == 8;
  switch (kind) {
  case 'f':
    return power && itemSize >= 2;
  case 'i':
  case 'u':
    return power;
  case 'b':
    return itemSize == 1;
  default:
    return false;
  }
}

/// Number of elements of `shape`, or -1 where a dimension is negative or the product
/// is too large to be meant.
int64_t countElements(absl::Span<const int64_t> shape) {
  uint64_t count = 1;
  bool zero = false;
  for (int64_t dim : shape) {
    if (dim < 0)
      return -1;
    if (dim == 0) {
      zero = true;
      continue;
    }
    if (count > kMaxArrayBytes / static_cast<uint64_t>(dim))
      return -1;
    count *= static_cast<uint64_t>(dim);
  }
  return zero ? 0 : static_cast<int64_t>(count);
}

//===----------------------------------------------------------------------===//
// The header of an .npy member: a Python dictionary literal with three keys.
//===----------------------------------------------------------------------===//

/// Reads the literal from left to right; every step says whether it succeeded.
class HeaderReader {
public:
  explicit HeaderReader(absl::string_view text) : text(text) {}

  bool eat(char c) {
    skipSpace();
    if (text.empty() || text.front() != c)
      return false;
    text.remove_prefix(1);
    return true;
  }
  bool string(std::string &out) {
    skipSpace();
    if (text.empty() || (text.front() != '\'' && text.front() != '"'))
      return false;
    size_t end = text.find(text.front(), 1);
    if (end == absl::string_view::npos)
      return false;
    out = std::string(text.substr(1, end - 1));
    text.remove_prefix(end + 1);
    return true;
  }
  bool boolean(bool &out) {
    skipSpace();
    out = absl::StartsWith(text, "True");
    return absl::ConsumePrefix(&text, "True") || absl::ConsumePrefix(&text, "False");
  }
  bool integer(int64_t &out) {
    skipSpace();
    size_t end = 0;
    while (end < text.size() && (absl::ascii_isdigit(text[end]) || text[end] == '-'))
      ++end;
    if (!absl::SimpleAtoi(text.substr(0, end), &out))
      return false;
    text.remove_prefix(end);
    absl::ConsumePrefix(&text, "L"); // Python 2 wrote long integers so
    return true;
  }
  bool tuple(std::vector<int64_t> &out) {
    if (!eat('('))
      return false;
    while (!eat(')')) {
      int64_t value;
      if (!integer(value))
        return false;
      out.push_back(value);
      if (!eat(','))
        return eat(')');
    }
    return true;
  }
  bool atEnd() {
    skipSpace();
    return text.empty();
  }

private:
  void skipSpace() { text = absl::StripLeadingAsciiWhitespace(text); }
  absl::string_view text;
};

struct Header {
  std::string descr;
  bool fortranOrder = false;
  std::vector<int64_t> shape;
};

bool parseHeader(absl::string_view text, Header &header) {
  HeaderReader reader(text);
  bool haveDescr = false, haveOrder = false, haveShape = false;
  if (!reader.eat('{'))
    return false;
  while (!reader.eat('}')) {
    std::string key;
    if (!reader.string(key) || !reader.eat(':'))
      return false;
    if (key == "descr" && !haveDescr) {
      haveDescr = true;
      // A list here is a structured type; it is named by its bracket.
      if (!reader.string(header.descr)) {
        header.descr = "[...]";
        return reader.eat('[');
      }
    } else if (key == "fortran_order" && !haveOrder) {
      haveOrder = true;
      if (!reader.boolean(header.fortranOrder))
        return false;
    } else if (key == "shape" && !haveShape) {
      haveShape = true;
      if (!reader.tuple(header.shape))
        return false;
    } else {
      return false;
    }
    if (!reader.eat(',')) {
      if (!reader.eat('}'))
        return false;
      break;
    }
  }
  return haveDescr && haveOrder && haveShape && reader.atEnd();
}

/// Turns the bytes of an .npy member into `array`; the error is a phrase that
/// completes "array 'x' ...", empty when all is well.
std::string parseNpy(absl::string_view bytes, NpyArray &array) {
  if (!absl::StartsWith(bytes, kMagic) || bytes.size() < 10)
    return "is not in numpy's .npy format";
  int version = static_cast<uint8_t>(bytes[6]);
  if (version < 1 || version > 3)
    return absl::StrCat("has .npy format version ", version, ", known are 1 to 3");
  size_t lengthSize = version == 1 ? 2 : 4;
  if (bytes.size() < 8 + lengthSize)
    return "is truncated in its header";
  size_t length = 0;
  for (size_t i = 0; i != lengthSize; ++i)
    length |= size_t{static_cast<uint8_t>(bytes[8 + i])} << (8 * i);
  if (length > bytes.size() - 8 - lengthSize)
    return "is truncated in its header";
  Header header;
  if (!parseHeader(bytes.substr(8 + lengthSize, length), header))
    return "has a header that is not numpy's";
  absl::string_view data = bytes.substr(8 + lengthSize + length);

  absl::string_view descr = header.descr;
  if (absl::StrContains(descr, 'O'))
    return "holds pickled Python objects; save it with a number type";
  char order = descr.empty() ? '?' : descr.front();
  int itemSize = 0;
  if (descr.size() < 3 || !absl::StrContains("<>|=", order) ||
      !absl::SimpleAtoi(descr.substr(2), &itemSize) || !validItem(descr[1], itemSize))
    return absl::StrCat("has type '", descr,
                        "'; supported are bool, int8..64, uint8..64, float16..64");
  array.kind = descr[1];
  array.itemSize = itemSize;
  array.shape = header.shape;
  if (header.fortranOrder && header.shape.size() > 1)
    return "is in Fortran order; save numpy.ascontiguousarray of it";
  int64_t count = countElements(array.shape);
  std::string shape = absl::StrCat("(", absl::StrJoin(array.shape, ", "), ")");
  if (count < 0 || static_cast<uint64_t>(count) > kMaxArrayBytes / itemSize)
    return absl::StrCat("has shape ", shape, ", which no array of this size can have");
  uint64_t expected = static_cast<uint64_t>(count) * itemSize;
  if (expected != data.size())
    return absl::StrCat("has shape ", shape, " of ", expected, " bytes but holds ", data.size());

  array.bytes.assign(data.begin(), data.end());
  if (order == '>')
    for (size_t i = 0; i < array.bytes.size(); i += itemSize)
      std::reverse(array.bytes.begin() + i, array.bytes.begin() + i + itemSize);
  if (array.kind == 'b')
    for (uint8_t &value : array.bytes)
      value = value != 0;
  return "";
}

//===----------------------------------------------------------------------===//
// The archive around it.
//===----------------------------------------------------------------------===//

struct ArchiveCloser {
  void operator()(zip_t *archive) const { zip_discard(archive); }
};
struct MemberCloser {
  void operator()(zip_file_t *member) const { zip_fclose(member); }
};
struct SourceCloser {
  void operator()(zip_source_t *source) const { zip_source_free(source); }
};
using ArchivePtr = std::unique_ptr<zip_t, ArchiveCloser>;
using MemberPtr = std::unique_ptr<zip_file_t, MemberCloser>;
using SourcePtr = std::unique_ptr<zip_source_t, SourceCloser>;

/// All bytes of member `index`, read piece by piece so that a false size in the
/// directory allocates nothing. Empty phrase on success.
std::string readMember(zip_t *archive, uint64_t index, std::string &bytes) {
  MemberPtr member(zip_fopen_index(archive, index, 0));
  if (!member)
    return absl::StrCat("cannot be unpacked: ", zip_strerror(archive));
  constexpr size_t step = size_t{1} << 20;
  while (true) {
    size_t used = bytes.size();
    if (used > kMaxArrayBytes)
      return absl::StrCat("is larger than ", kMaxArrayBytes, " bytes");
    bytes.resize(used + step);
    zip_int64_t got = zip_fread(member.get(), &bytes[used], step);
    if (got < 0)
      return absl::StrCat("is damaged: ", zip_file_strerror(member.get()));
    bytes.resize(used + static_cast<size_t>(got));
    if (got == 0)
      return "";
  }
}

// The time stamp of every member, as DOS fields: 1980-01-01 00:00.
constexpr uint16_t kDosTime = 0, kDosDate = (1 << 5) | 1;

std::string headerOf(const NpyArray &array) {
  char order = array.itemSize == 1 ? '|' : '<';
  std::string shape = absl::StrJoin(array.shape, ", ");
  if (array.shape.size() == 1)
    shape += ",";
  std::string text =
      absl::StrCat("{'descr': '", absl::string_view(&order, 1), absl::string_view(&array.kind, 1),
                   array.itemSize, "', 'fortran_order': False, 'shape': (", shape, "), }");
  // numpy aligns the data to 64 bytes.
  size_t total = (10 + text.size() + 1 + 63) / 64 * 64;
  text.resize(total - 10 - 1, ' ');
  text += '\n';
  std::string header(kMagic);
  header +=
      {'\x01', '\x00', static_cast<char>(text.size() & 255), static_cast<char>(text.size() >> 8)};
  return header + text;
}

} // namespace

int64_t NpyArray::numElements() const { return countElements(shape); }

absl::StatusOr<std::vector<float>> NpyArray::toFloats() const {
  std::vector<float> values(bytes.size() / itemSize);
  for (size_t i = 0; i != values.size(); ++i) {
    const uint8_t *at = bytes.data() + i * itemSize;
    if (kind == 'f')
      values[i] = itemSize == 2   ? halfToFloat(loadAs<uint16_t>(at))
                  : itemSize == 4 ? loadAs<float>(at)
                                  : static_cast<float>(loadAs<double>(at));
    else if (kind == 'u' && itemSize == 8)
      values[i] = static_cast<float>(loadAs<uint64_t>(at));
  }
  if (kind == 'f' || (kind == 'u' && itemSize == 8))
    return values;
  absl::StatusOr<std::vector<int64_t>> ints = toInts();
  if (!ints.ok())
    return ints.status();
  for (size_t i = 0; i != values.size(); ++i)
    values[i] = static_cast<float>((*ints)[i]);
  return values;
}

absl::StatusOr<std::vector<int64_t>> NpyArray::toInts() const {
  if (!validItem(kind, itemSize) || kind == 'f')
    return absl::InvalidArgumentError(
        absl::StrCat("array '", name, "' has type ", absl::string_view(&kind, 1), itemSize,
                     ", integers are needed; convert it with astype"));
  std::vector<int64_t> values(bytes.size() / itemSize);
  bool isSigned = kind == 'i';
  for (size_t i = 0; i != values.size(); ++i) {
    const uint8_t *at = bytes.data() + i * itemSize;
    switch (itemSize) {
    case 1:
      values[i] = isSigned ? loadAs<int8_t>(at) : *at;
      break;
    case 2:
      values[i] = isSigned ? loadAs<int16_t>(at) : loadAs<uint16_t>(at);
      break;
    case 4:
      values[i] = isSigned ? loadAs<int32_t>(at) : int64_t{loadAs<uint32_t>(at)};
      break;
    default:
      values[i] = loadAs<int64_t>(at);
      if (!isSigned && values[i] < 0)
        return absl::InvalidArgumentError(absl::StrCat("array '", name, "' holds ",
                                                       loadAs<uint64_t>(at),
                                                       ", which does not fit 64 signed bits"));
    }
  }
  return values;
}

NpyArray NpyArray::fromFloats(absl::string_view name, std::vector<int64_t> shape,
                              absl::Span<const float> values) {
  NpyArray array;
  array.name = std::string(name);
  array.shape = std::move(shape);
  const auto *data = reinterpret_cast<const uint8_t *>(values.data());
  array.bytes.assign(data, data + values.size() * sizeof(float));
  return array;
}

NpyArray NpyArray::fromInts(absl::string_view name, std::vector<int64_t> shape,
                            absl::Span<const int64_t> values) {
  NpyArray array;
  array.name = std::string(name);
  array.kind = 'i';
  array.itemSize = 8;
  array.shape = std::move(shape);
  const auto *data = reinterpret_cast<const uint8_t *>(values.data());
  array.bytes.assign(data, data + values.size() * sizeof(int64_t));
  return array;
}

absl::StatusOr<std::vector<NpyArray>> parseNpz(absl::string_view bytes,
                                               absl::string_view fileName) {
  auto error = [&](const std::string &what) {
    return absl::InvalidArgumentError(absl::StrCat("'", fileName, "' ", what));
  };
  if (absl::StartsWith(bytes, kMagic))
    return error("is a single .npy array; save it by name with numpy.savez");
  if (bytes.empty()) // libzip would call this an archive without members
    return error("is not an .npz archive, or is truncated: it is empty");
  zip_error_t zipError;
  zip_error_init(&zipError);
  SourcePtr source(zip_source_buffer_create(bytes.data(), bytes.size(), 0, &zipError));
  ArchivePtr archive(
      source ? zip_open_from_source(source.get(), ZIP_RDONLY | ZIP_CHECKCONS, &zipError) : nullptr);
  if (!archive) {
    std::string reason = zip_error_strerror(&zipError);
    zip_error_fini(&zipError);
    return error(absl::StrCat("is not an .npz archive, or is truncated: ", reason));
  }
  (void)source.release(); // the archive owns it now

  std::vector<NpyArray> arrays;
  std::set<std::string> names;
  zip_int64_t count = zip_get_num_entries(archive.get(), 0);
  for (zip_int64_t i = 0; i < count; ++i) {
    const char *memberName = zip_get_name(archive.get(), i, 0);
    NpyArray array;
    array.name = std::string(absl::StripSuffix(memberName ? memberName : "", ".npy"));
    if (!names.insert(array.name).second)
      return error(absl::StrCat("holds two arrays '", array.name, "'"));
    std::string member;
    std::string wrong = readMember(archive.get(), i, member);
    if (wrong.empty())
      wrong = parseNpy(member, array);
    if (!wrong.empty())
      return error(absl::StrCat("array '", array.name, "' ", wrong));
    arrays.push_back(std::move(array));
  }
  return arrays;
}

absl::StatusOr<std::vector<NpyArray>> readNpz(absl::string_view path) {
  absl::StatusOr<std::string> bytes = readFile(path);
  if (!bytes.ok())
    return bytes.status();
  return parseNpz(*bytes, path == "-" ? "<stdin>" : path);
}

absl::StatusOr<std::string> serializeNpz(absl::Span<const NpyArray> arrays) {
  std::vector<std::string> members;
  std::set<std::string> names;
  for (const NpyArray &array : arrays) {
    int64_t count = array.numElements();
    if (!names.insert(array.name).second)
      return absl::InvalidArgumentError(
          absl::StrCat("two arrays are named '", array.name, "', give each its own name"));
    if (!validItem(array.kind, array.itemSize) || count < 0 ||
        array.bytes.size() != static_cast<uint64_t>(count) * array.itemSize)
      return absl::InvalidArgumentError(
          absl::StrCat("array '", array.name, "' has shape (", absl::StrJoin(array.shape, ", "),
                       ") of type ", absl::string_view(&array.kind, 1), array.itemSize,
                       " but holds ", array.bytes.size(), " bytes"));
    std::string member = headerOf(array);
    member.append(reinterpret_cast<const char *>(array.bytes.data()), array.bytes.size());
    members.push_back(std::move(member));
  }

  zip_error_t zipError;
  zip_error_init(&zipError);
  auto fail = [&](absl::string_view reason) {
    zip_error_fini(&zipError);
    return absl::InternalError(absl::StrCat("cannot build the .npz archive: ", reason));
  };
  SourcePtr target(zip_source_buffer_create(nullptr, 0, 0, &zipError));
  if (!target)
    return fail(zip_error_strerror(&zipError));
  zip_source_keep(target.get()); // one reference for the archive, one for us
  ArchivePtr archive(zip_open_from_source(target.get(), ZIP_TRUNCATE, &zipError));
  if (!archive) {
    zip_source_free(target.get());
    return fail(zip_error_strerror(&zipError));
  }
  for (size_t i = 0; i != members.size(); ++i) {
    SourcePtr source(zip_source_buffer(archive.get(), members[i].data(), members[i].size(), 0));
    std::string memberName = arrays[i].name + ".npy";
    zip_int64_t index =
        source ? zip_file_add(archive.get(), memberName.c_str(), source.get(), ZIP_FL_ENC_UTF_8)
               : -1;
    if (index < 0)
      return fail(zip_strerror(archive.get()));
    (void)source.release();
    if (zip_set_file_compression(archive.get(), index, ZIP_CM_STORE, 0) != 0 ||
        zip_file_set_dostime(archive.get(), index, kDosTime, kDosDate, 0) != 0)
      return fail(zip_strerror(archive.get()));
  }
  if (zip_close(archive.get()) != 0)
    return fail(zip_strerror(archive.get()));
  (void)archive.release();

  // libzip writes no archive where there are no members: the end record alone.
  if (members.empty())
    return std::string("PK\x05\x06", 4) + std::string(18, '\0');
  if (zip_source_open(target.get()) != 0)
    return fail("cannot reopen it");
  std::string bytes;
  zip_stat_t info;
  if (zip_source_stat(target.get(), &info) == 0 && (info.valid & ZIP_STAT_SIZE)) {
    bytes.resize(info.size);
    zip_int64_t got = zip_source_read(target.get(), &bytes[0], bytes.size());
    if (got != static_cast<zip_int64_t>(bytes.size()))
      bytes.clear();
  }
  zip_source_close(target.get());
  if (bytes.empty())
    return fail("cannot read it back");
  return bytes;
}

absl::Status writeNpz(absl::string_view path, absl::Span<const NpyArray> arrays) {
  absl::StatusOr<std::string> bytes = serializeNpz(arrays);
  if (!bytes.ok())
    return bytes.status();
  return writeFileAtomically(path, *bytes);
}

} // namespace aac
