//===- codec.cpp - how fast images are coded and decoded -------------------===//
//
// usage: aac-bench-codec SUITE.aacs
//
// Codes and decodes every image of a stream, in memory, on one thread, and prints JSON: bytes
// plain and coded of all images together and of each, in the order of the stream, and the best of
// five runs over all images in bytes (plain) a second.
//
//===----------------------------------------------------------------------===//
#include "aac/Stream/Codec.h"
#include "aac/Stream/Stream.h"
#include "aac/Support/File.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include <algorithm>
#include <ctime>
#include <iostream>

namespace {

/// Seconds on the processor of the fastest of five calls.
template <typename Fn> double fastest(Fn fn) {
  double best = 0;
  for (int run = 0; run < 5; ++run) {
    std::clock_t start = std::clock();
    fn();
    double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    best = run == 0 ? seconds : std::min(best, seconds);
  }
  return best;
}

} // namespace

int main(int argc, char **argv) {
  if (argc != 2) {
    std::cerr << "usage: aac-bench-codec SUITE.aacs\n";
    return 2;
  }
  auto fail = [&](const absl::Status &status) {
    std::cerr << argv[1] << ": " << status.message() << "\n";
    return 1;
  };
  auto file = aac::readFile(argv[1]);
  if (!file.ok())
    return fail(file.status());
  auto stream = aac::deserialize(*file);
  if (!stream.ok())
    return fail(stream.status());
  std::vector<std::string> coded(stream->images.size());
  size_t plainBytes = 0, codedBytes = 0;
  double encode = fastest([&] {
    for (size_t i = 0; i < coded.size(); ++i)
      coded[i] = aac::encodeEntropy(stream->images[i].bytes);
  });
  bool same = true;
  double decode = fastest([&] {
    for (size_t i = 0; i < coded.size(); ++i) {
      auto bytes = aac::decodeEntropy(coded[i], stream->images[i].bytes.size());
      same = same && bytes.ok() && *bytes == stream->images[i].bytes;
    }
  });
  if (!same)
    return fail(absl::InternalError("an image is not what it was"));
  std::vector<std::string> images;
  for (size_t i = 0; i < coded.size(); ++i) {
    size_t size = stream->images[i].bytes.size();
    plainBytes += size;
    codedBytes += coded[i].size();
    images.push_back(absl::StrCat("[", size, ", ", coded[i].size(), "]"));
  }
  double bytes = static_cast<double>(plainBytes);
  std::cout << "{\"plain_bytes\": " << plainBytes << ", \"coded_bytes\": " << codedBytes
            << ", \"encode_bytes_per_second\": " << bytes / encode
            << ", \"decode_bytes_per_second\": " << bytes / decode << ", \"images\": ["
            << absl::StrJoin(images, ", ") << "]}\n";
  return 0;
}
