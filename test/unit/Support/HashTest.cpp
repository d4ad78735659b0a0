#include "aac/Support/Hash.h"

#include <gtest/gtest.h>

// Streams store these hashes: they may never change. The first is XXH3's published
// value for no input and seed 0.
TEST(Hash, IsXxh3) {
  EXPECT_EQ(aac::hashBytes(absl::string_view("")), 0x2d06800538d394c2u);
  uint8_t bytes[] = {'a', 'b', 'c'};
  EXPECT_EQ(aac::hashBytes(absl::string_view("abc")), 0x78af5f94892f3950u);
  EXPECT_EQ(aac::hashBytes(bytes), aac::hashBytes(absl::string_view("abc")));
}
