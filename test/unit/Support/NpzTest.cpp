#include "aac/Support/Npz.h"

#include "aac/Support/File.h"
#include <cstdlib>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zip.h>

using namespace aac;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {

/// The bytes of an .npy member with the header text `header`.
std::string npy(std::string header, const std::string &data) {
  header += '\n';
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(header.size() & 255);
  bytes += static_cast<char>(header.size() >> 8);
  return bytes + header + data;
}

std::string dictionary(const std::string &descr, const std::string &shape,
                       const std::string &fortran = "False") {
  return "{'descr': " + descr + ", 'fortran_order': " + fortran + ", 'shape': " + shape + ", }";
}

/// An archive that holds `members` as they are.
std::string archiveOf(const std::vector<std::pair<std::string, std::string>> &members,
                      bool deflate = false) {
  std::string path = testing::TempDir() + "aac-npz-test.zip";
  unlink(path.c_str());
  zip_t *archive = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, nullptr);
  for (const auto &[name, bytes] : members) {
    auto *source = zip_source_buffer(archive, bytes.data(), bytes.size(), 0);
    auto index = zip_file_add(archive, name.c_str(), source, 0);
    zip_set_file_compression(archive, index, deflate ? ZIP_CM_DEFLATE : ZIP_CM_STORE, 0);
  }
  zip_close(archive);
  std::string bytes = readFile(path).value();
  unlink(path.c_str());
  return bytes;
}

std::string errorOf(const std::string &member) {
  auto arrays = parseNpz(archiveOf({{"x.npy", member}}), "in.npz");
  return arrays.ok() ? "no error" : std::string(arrays.status().message());
}

TEST(Npz, RoundTrips) {
  std::vector<NpyArray> arrays = {
      NpyArray::fromFloats("logits", {1, 3}, {1.5f, -2.0f, 0.25f}),
      NpyArray::fromInts("in.0.input_ids", {2}, {7, -9}),
      NpyArray::fromFloats("scalar", {}, {3.0f}),
      NpyArray::fromFloats("none", {0, 4}, {}),
  };
  auto bytes = serializeNpz(arrays);
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  auto back = parseNpz(*bytes, "x");
  ASSERT_TRUE(back.ok()) << back.status();
  ASSERT_EQ(back->size(), arrays.size());
  for (size_t i = 0; i != arrays.size(); ++i) {
    EXPECT_EQ((*back)[i].name, arrays[i].name);
    EXPECT_EQ((*back)[i].kind, arrays[i].kind);
    EXPECT_EQ((*back)[i].itemSize, arrays[i].itemSize);
    EXPECT_EQ((*back)[i].shape, arrays[i].shape);
    EXPECT_EQ((*back)[i].bytes, arrays[i].bytes);
  }
  EXPECT_THAT((*back)[0].toFloats().value(), ElementsAre(1.5f, -2.0f, 0.25f));
  EXPECT_THAT((*back)[1].toInts().value(), ElementsAre(7, -9));
}

TEST(Npz, Files) {
  std::string path = testing::TempDir() + "aac-npz-file.npz";
  ASSERT_TRUE(writeNpz(path, {NpyArray::fromInts("x", {1}, {1})}).ok());
  EXPECT_EQ(readNpz(path)->size(), 1u);
  unlink(path.c_str());
  EXPECT_THAT(std::string(readNpz(path).status().message()), HasSubstr("cannot open"));
}

TEST(Npz, NoArrays) {
  auto bytes = serializeNpz({});
  ASSERT_TRUE(bytes.ok());
  auto back = parseNpz(*bytes, "x");
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_TRUE(back->empty());
}

TEST(Npz, SameBytesInEveryTimeZone) {
  std::vector<NpyArray> arrays = {NpyArray::fromFloats("a", {2}, {1, 2})};
  std::string first = serializeNpz(arrays).value();
  for (const char *zone : {"UTC", "America/New_York", "Asia/Kolkata"}) {
    setenv("TZ", zone, 1);
    tzset();
    EXPECT_EQ(serializeNpz(arrays).value(), first) << zone;
  }
  unsetenv("TZ");
  tzset();
}

TEST(Npz, TypesAndOrders) {
  auto arrays = parseNpz(
      archiveOf({{"half.npy",
                  npy(dictionary("'<f2'", "(3,)"), std::string("\x00\x3c\x00\xc0\x01\x00", 6))},
                 {"big.npy", npy(dictionary("'>i4'", "(1,)"), std::string("\x00\x00\x01\x02", 4))},
                 {"bool.npy", npy(dictionary("'|b1'", "(2,)"), std::string("\x00\x05", 2))},
                 {"u8.npy", npy(dictionary("'<u8'", "()"), std::string(8, '\xff'))},
                 {"fortran.npy",
                  npy(dictionary("'<i2'", "(2,)", "True"), std::string("\1\0\xff\xff", 4))},
                 {"double.npy",
                  npy(dictionary("'<f8'", "(1L,)"), std::string("\0\0\0\0\0\0\xf8\x3f", 8))}},
                true),
      "x");
  ASSERT_TRUE(arrays.ok()) << arrays.status();
  EXPECT_THAT((*arrays)[0].toFloats().value(), ElementsAre(1.0f, -2.0f, 0x1p-24f));
  EXPECT_THAT((*arrays)[1].toInts().value(), ElementsAre(258));
  EXPECT_THAT((*arrays)[2].toInts().value(), ElementsAre(0, 1));
  EXPECT_THAT((*arrays)[2].toFloats().value(), ElementsAre(0.0f, 1.0f));
  EXPECT_THAT((*arrays)[3].toFloats().value(), ElementsAre(0x1p64f));
  EXPECT_THAT(std::string((*arrays)[3].toInts().status().message()),
              HasSubstr("holds 18446744073709551615, which does not fit"));
  EXPECT_THAT((*arrays)[4].toInts().value(), ElementsAre(1, -1));
  EXPECT_THAT((*arrays)[5].toFloats().value(), ElementsAre(1.5f));
  EXPECT_THAT(std::string((*arrays)[5].toInts().status().message()),
              HasSubstr("has type f8, integers are needed"));
}

TEST(Npz, HostileMembers) {
  std::string data(8, '\0');
  EXPECT_THAT(errorOf("not numpy"), HasSubstr("'in.npz' array 'x' is not in numpy's .npy format"));
  EXPECT_THAT(errorOf(std::string("\x93NUMPY\x09\x00\x00\x00", 10)), HasSubstr("version 9"));
  EXPECT_THAT(errorOf(std::string("\x93NUMPY\x01\x00\xff\xff{", 11)),
              HasSubstr("truncated in its header"));
  EXPECT_THAT(errorOf(std::string("\x93NUMPY\x02\x00\xff\xff", 10)),
              HasSubstr("truncated in its header"));
  for (const char *header :
       {"", "{", "{}", "[1]", "{'descr': '<f4'}",
        "{'descr': '<f4', 'fortran_order': 1, 'shape': ()}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1 2)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': ()} x",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (), 'descr': '<f4'}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
        "{'descr: '<f4'", "{'other': 1}"})
    EXPECT_THAT(errorOf(npy(header, data)), HasSubstr("has a header that is not numpy's"))
        << header;
  EXPECT_THAT(errorOf(npy(dictionary("'|O'", "(1,)"), data)), HasSubstr("pickled Python objects"));
  EXPECT_THAT(errorOf(npy(dictionary("'<U4'", "(1,)"), data)), HasSubstr("has type '<U4'"));
  EXPECT_THAT(errorOf(npy(dictionary("'<f16'", "(1,)"), data)), HasSubstr("has type '<f16'"));
  EXPECT_THAT(errorOf(npy(dictionary("'<c8'", "(1,)"), data)), HasSubstr("has type '<c8'"));
  EXPECT_THAT(errorOf(npy(dictionary("[('a', '<f4')]", "(1,)"), data)),
              HasSubstr("has type '[...]'"));
  EXPECT_THAT(errorOf(npy(dictionary("'<f4'", "(1, 2)", "True"), data)),
              HasSubstr("is in Fortran order"));
  EXPECT_THAT(errorOf(npy(dictionary("'<f4'", "(3,)"), data)),
              HasSubstr("has shape (3) of 12 bytes but holds 8"));
  for (const char *shape : {"(-1,)", "(4611686018427387904,)", "(8589934592, 8589934592)",
                            "(4294967296, 4294967296, 4294967296)", "(8589934592,)"})
    EXPECT_THAT(errorOf(npy(dictionary("'<f4'", shape), data)),
                HasSubstr("which no array of this size can have"))
        << shape;
}

TEST(Npz, HostileArchives) {
  auto message = [](absl::string_view bytes) {
    return std::string(parseNpz(bytes, "in.npz").status().message());
  };
  std::string good =
      serializeNpz({NpyArray::fromFloats("x", {100}, std::vector<float>(100))}).value();
  EXPECT_THAT(message("hello"), HasSubstr("'in.npz' is not an .npz archive"));
  EXPECT_THAT(message(""), HasSubstr("is not an .npz archive"));
  EXPECT_THAT(message(npy(dictionary("'<f4'", "()"), "0000")), HasSubstr("is a single .npy array"));
  // No truncation is accepted, none crashes.
  for (size_t size = 0; size != good.size(); ++size)
    EXPECT_FALSE(parseNpz(absl::string_view(good).substr(0, size), "in.npz").ok()) << size;
  // A flipped byte is an error (the CRC) or in a field that does not matter.
  for (size_t i = 0; i != good.size(); ++i) {
    std::string bad = good;
    bad[i] ^= 0x55;
    (void)parseNpz(bad, "in.npz");
  }
  std::string flipped = good;
  flipped[200] ^= 1; // in the data
  EXPECT_THAT(message(flipped), HasSubstr("array 'x' is damaged"));
  EXPECT_THAT(message(archiveOf({{"x.npy", npy(dictionary("'<f4'", "()"), "0000")},
                                 {"x", npy(dictionary("'<f4'", "()"), "0000")}})),
              HasSubstr("holds two arrays 'x'"));
}

TEST(Npz, RefusesToWriteNonsense) {
  NpyArray a = NpyArray::fromFloats("a", {2}, {1, 2});
  EXPECT_THAT(std::string(serializeNpz({a, a}).status().message()),
              HasSubstr("two arrays are named 'a'"));
  a.shape = {3};
  EXPECT_THAT(std::string(serializeNpz({a}).status().message()),
              HasSubstr("has shape (3) of type f4 but holds 8 bytes"));
}

} // namespace
