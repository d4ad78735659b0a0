//===- Faults.cpp - wrong cells in the images of a stream ------------------===//
#include "aac/Sim/Faults.h"

#include "WrittenRanges.h"
#include "aac/Numerics/AdaptivFloat.h"
#include "aac/Numerics/Cells.h"
#include "aac/Numerics/Layout.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include <array>
#include <cmath>

namespace aac::sim {
namespace {

using isa::Field;
using isa::Instruction;
using isa::Opcode;

/// Where masks, offsets and indices lie: what programs read as such.
class Structure {
public:
  explicit Structure(const Stream &stream) : stream(stream) {
    for (const Program &program : stream.programs)
      visit(program);
    // What is copied to where it is read as a mask was one before.
    for (const Program &program : stream.programs)
      for (const Instruction &in : program.code)
        if (in.opcode == Opcode::HostCopy)
          copied(in.get(Field::Address), in.get(Field::OutAddress), in.get(Field::Bytes));
  }
  bool holds(int64_t address) const { return ranges.overlaps(address, address + 1); }

private:
  void visit(const Program &program) {
    int64_t count = 1;
    for (const Instruction &in : program.code) {
      if (in.opcode == Opcode::Loop)
        count = in.get(Field::Count);
      else if (in.opcode == Opcode::End)
        count = 1;
      else if (in.opcode == Opcode::LoadMask)
        for (int64_t i = 0; i < count; ++i)
          for (int64_t c = 0; c < in.get(Field::Chunks); ++c)
            add(in.get(Field::Address) + i * in.get(Field::LoopStride) +
                    c * in.get(Field::AddressStride),
                2 * in.get(Field::Words));
      else if (in.opcode == Opcode::HostGather)
        gather(in);
    }
  }

  void gather(const Instruction &in) {
    if (in.get(Field::Source))
      add(in.get(Field::Indices), 4 * in.get(Field::Timesteps));
    if (!in.get(Field::Sparse))
      return;
    int64_t rows = in.get(Field::TableRows), offsets = in.get(Field::Offsets);
    int64_t words = 2 * ((in.get(Field::Columns) + kLanes - 1) / kLanes);
    add(offsets, 4 * (rows + 1));
    for (int64_t r = 0; r < rows; ++r)
      if (std::optional<uint32_t> begin = number(offsets + 4 * r))
        add(in.get(Field::Table) + *begin, words);
  }

  /// A number of 4 bytes in an image.
  std::optional<uint32_t> number(int64_t address) const {
    for (const Image &image : stream.images) {
      int64_t at = address - static_cast<int64_t>(image.address);
      if (at < 0 || at + 4 > static_cast<int64_t>(image.bytes.size()))
        continue;
      uint32_t value = 0;
      for (int i = 3; i >= 0; --i)
        value = value << 8 | image.bytes[static_cast<size_t>(at + i)];
      return value;
    }
    return std::nullopt;
  }

  void copied(int64_t from, int64_t to, int64_t bytes) {
    for (auto [begin, end] : ranges.within(to, to + bytes))
      add(from + begin - to, end - begin);
  }

  void add(int64_t address, int64_t bytes) { ranges.add(address, address + bytes); }

  const Stream &stream;
  WrittenRanges ranges;
};

} // namespace

absl::StatusOr<FaultOptions> parseFaults(absl::string_view text) {
  FaultOptions options;
  bool seeded = false;
  for (absl::string_view part : absl::StrSplit(text, ',')) {
    std::pair<absl::string_view, absl::string_view> pair =
        absl::StrSplit(part, absl::MaxSplits(':', 1));
    double rate = 0;
    if (pair.first == "seed" && absl::SimpleAtoi(pair.second, &options.seed))
      seeded = true;
    else if (pair.first == "rate" && absl::SimpleAtod(pair.second, &rate) && rate >= 0 && rate <= 1)
      options.rate = rate;
    else if (pair.first == "order" && checkCellOrder(pair.second).ok())
      options.order = std::string(pair.second);
    else if (pair.first == "order")
      return absl::InvalidArgumentError(
          absl::StrCat("faults: ", checkCellOrder(pair.second).message()));
    else
      return absl::InvalidArgumentError(
          absl::StrCat("faults: '", part,
                       "' is none of seed:NUMBER, rate:PROBABILITY and order:BITS; as "
                       "seed:1,rate:1e-5"));
  }
  if (!seeded)
    return absl::InvalidArgumentError("faults: no seed; as seed:1");
  return options;
}

namespace {

/// The bytes of an image that are codes.
struct Codes {
  Image *image;
  uint64_t number; ///< of the image, for a seed of its own
  std::vector<size_t> places;
  std::vector<uint8_t> values;
};

double decibels(double signal, double noise) {
  return noise > 0 ? 10 * std::log10(signal / noise) : HUGE_VAL;
}

/// Reads `codes` as cells of `format` give them, and adds up what that changes.
void disturb(const Codes &codes, const CellFormat &format, absl::Span<const LevelErrors> errors,
             uint64_t seed, TierFaults &faults, double &noise) {
  std::vector<uint8_t> levels = packCells(codes.values, format);
  faults.cells += static_cast<int64_t>(levels.size());
  faults.wrong +=
      disturbCells(absl::MakeSpan(levels), errors, seed * 0x9e3779b97f4a7c15 + codes.number);
  absl::StatusOr<std::vector<uint8_t>> read = unpackCells(levels, format);
  for (size_t i = 0; read.ok() && i < codes.places.size(); ++i) {
    uint8_t before = codes.values[i], after = (*read)[i];
    codes.image->bytes[codes.places[i]] = after;
    double change =
        decodeAdaptivFloat(kEngineFormat, 0, after) - decodeAdaptivFloat(kEngineFormat, 0, before);
    noise += change * change;
  }
}

} // namespace

std::vector<TierFaults> injectFaults(Stream &stream, const Machine &machine,
                                     const FaultOptions &options) {
  Structure structure(stream);
  std::vector<TierFaults> report;
  uint64_t number = 0;
  for (const Tier &tier : machine.tiers) {
    TierFaults faults;
    faults.tier = tier.name;
    faults.bitsPerCell = tier.bitsPerCell;
    faults.rate = options.rate.value_or(tier.cellErrorRate.typical);
    if (tier.technology != Technology::Rram || faults.rate == 0)
      continue;
    std::vector<Codes> images;
    std::array<int64_t, 256> histogram{};
    for (Image &image : stream.images) {
      ++number;
      if (image.tier != tier.name)
        continue;
      Codes &codes = images.emplace_back(Codes{&image, number, {}, {}});
      for (size_t i = 0; i < image.bytes.size(); ++i)
        if (!structure.holds(static_cast<int64_t>(image.address + i))) {
          codes.places.push_back(i);
          codes.values.push_back(image.bytes[i]);
          ++histogram[image.bytes[i]];
        }
    }
    LevelErrors full = tier.errorsAt(faults.rate);
    absl::StatusOr<CellFormat> format = cellFormatOf(
        options.order.empty() ? tier.cellOrder : options.order, tier.bitsPerCell, full, histogram);
    if (images.empty() || !format.ok()) // a machine's order was checked when it was loaded
      continue;
    std::vector<LevelErrors> errors = errorsOfCells(*format, full);
    double noise = 0, signal = sumOfSquares(histogram);
    for (const Codes &codes : images)
      disturb(codes, *format, errors, options.seed, faults, noise);
    faults.order = format->text();
    faults.sqnrDb = decibels(signal, noise);
    faults.expectedDb = decibels(signal, expectedSquaredError(*format, errors, histogram));
    report.push_back(std::move(faults));
  }
  return report;
}

} // namespace aac::sim
