//===- SimulatorTest.cpp - programs, host calls and tasks ------------------===//
#include "SimulatorFixture.h"

#include "WrittenRanges.h"
#include "aac/Numerics/Layout.h"
#include "aac/Sim/Faults.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

using namespace aac;
using namespace aac::sim;
using testing::HasSubstr;

namespace {

//===----------------------------------------------------------------------===//
// Data flow
//===----------------------------------------------------------------------===//

TEST_F(SimulatorTest, TransfersMoveChunksAndFollowLoops) {
  Instruction load = make(Opcode::LoadData, {{Field::Memory, 1},
                                             {Field::Row, 10},
                                             {Field::Rows, 2},
                                             {Field::Address, kDram + 64},
                                             {Field::Chunks, 3},
                                             {Field::AddressStride, 256},
                                             {Field::RowStride, 4},
                                             {Field::LoopStride, 1024}});
  Instruction store = storeData(1, 10, 10, kSram);
  store.set(Field::LoopStride, 256);
  // Rows 12, 13, 16, 17 lie between the chunks.
  ASSERT_TRUE(run({loadData(1, 0, 64, kDram), make(Opcode::Loop, {{Field::Count, 2}}), load, store,
                   make(Opcode::End)})
                  .ok());
  const std::vector<uint8_t> &image = stream.images[0].bytes;
  for (int iteration = 0; iteration < 2; ++iteration) {
    std::vector<uint8_t> got = read(kSram + 256 * iteration, 160);
    for (int row = 0; row < 10; ++row) {
      size_t from =
          row % 4 < 2 ? 64 + 256 * (row / 4) + 1024 * iteration + 16 * (row % 4) : 16 * (10 + row);
      EXPECT_TRUE(
          std::equal(got.begin() + 16 * row, got.begin() + 16 * row + 16, image.begin() + from))
          << row;
    }
  }
  LocationStatistics totals = simulator->totals();
  EXPECT_EQ(totals.bytesWritten[1], 320u);
  EXPECT_EQ(totals.bytesRead[2], 1024u + 2 * 96);
}

TEST_F(SimulatorTest, MasksAndAuxRowsComeBack) {
  Instruction storeMask = loadMask(0, 7, 40, kSram);
  storeMask.opcode = Opcode::StoreMask;
  auto aux = [](Opcode op, int64_t row, uint64_t address) {
    return make(
        op, {{Field::Row, row}, {Field::Rows, 3}, {Field::Address, static_cast<int64_t>(address)}});
  };
  ASSERT_TRUE(run({loadMask(0, 7, 40, kDram + 6), storeMask, aux(Opcode::LoadAux, 250, kDram),
                   aux(Opcode::StoreAux, 250, kSram + 1000)})
                  .ok());
  const std::vector<uint8_t> &image = stream.images[0].bytes;
  EXPECT_EQ(read(kSram, 80), std::vector<uint8_t>(image.begin() + 6, image.begin() + 86));
  EXPECT_EQ(read(kSram + 1000, 48), std::vector<uint8_t>(image.begin(), image.begin() + 48));
}

TEST_F(SimulatorTest, SparseMatMulEqualsDense) {
  std::mt19937 rng(1);
  auto random = [&](size_t size) {
    std::vector<uint8_t> codes(size);
    for (uint8_t &code : codes)
      code = rng() % 2 ? static_cast<uint8_t>((rng() & 0x8f) | ((rng() % 6) << 4)) : 0;
    return codes;
  };
  std::vector<uint8_t> a = random(32 * 48), b = random(16 * 48);
  EncodedVectors encoded = encodeBitMask(a);
  std::vector<uint8_t> maskBytes, ones(4096, 0xff);
  for (uint16_t word : encoded.mask) {
    maskBytes.push_back(static_cast<uint8_t>(word));
    maskBytes.push_back(static_cast<uint8_t>(word >> 8));
  }
  uint64_t denseA = addImage(kDram + 0x20000, a), sparseA = addImage(kDram + 0x30000, encoded.data);
  uint64_t maskA = addImage(kDram + 0x40000, maskBytes), inB = addImage(kDram + 0x50000, b);
  uint64_t allOnes = addImage(kDram + 0x60000, ones);
  // The sparse A has its mask at word 300 and its data at row 200; the caches must see
  // that the second load changed the operand.
  Instruction second = matMul(32, 16, 48, 1, 2000);
  second.set(Field::Base0, 300).set(Field::DataOffset0, 100);
  ASSERT_TRUE(
      run({loadMask(0, 0, 96, allOnes), loadData(0, 0, 96, denseA), loadMask(1, 0, 48, allOnes),
           loadData(1, 0, 48, inB), matMul(32, 16, 48, 1, 1000), loadMask(0, 300, 96, maskA),
           loadData(0, 200, encoded.rows(), sparseA), second, storeData(1, 1000, 32, kSram),
           storeData(1, 2000, 32, kSram + 512), loadData(0, 0, 96, kDram),
           matMul(32, 16, 48, 1, 1000), storeData(1, 1000, 32, kSram + 1024)})
          .ok());
  Operand left, right;
  decodeOperand(OperandRole::A, 32, 48, std::vector<uint16_t>(96, 0xffff), a, left);
  decodeOperand(OperandRole::B, 16, 48, std::vector<uint16_t>(48, 0xffff), b, right);
  std::vector<uint8_t> want(512);
  MatMulOutput output;
  output.shift = 8;
  output.outBias = 5;
  Counts counts = matmul(left, right, output, absl::MakeSpan(want));
  EXPECT_EQ(read(kSram, 512), want);
  EXPECT_EQ(read(kSram + 512, 512), want);
  EXPECT_NE(read(kSram + 1024, 512), want); // A was overwritten
  EXPECT_EQ(simulator->statistics()[0].macs, 3 * 32 * 16 * 48);
  EXPECT_GE(simulator->totals().counts.saturations, 2 * counts.saturations);
}

TEST_F(SimulatorTest, CountsVectorsOfParametersAndWhatTheyGate) {
  // B, parameters: 5 of 48 vectors are zeros. A, the first product's result: 2 of 16 are, for
  // two rows of A's own operand are; bit-masked weights of zeros alone have no data.
  std::vector<uint8_t> b(16 * 48, 0x11), a(16 * 48, 0x11), ones(512, 0xff);
  std::fill_n(b.begin(), 5 * 16, 0);
  for (int64_t block = 0; block < 3; ++block)
    std::fill_n(a.begin() + (block * 16 + 7) * 16, 2 * 16, 0x80);
  uint64_t inA = addImage(kDram + 0x20000, a), inB = addImage(kDram + 0x30000, b);
  uint64_t allOnes = addImage(kDram + 0x40000, ones);
  uint64_t none = addImage(kDram + 0x50000, std::vector<uint8_t>(32, 0));
  Instruction first = matMul(16, 16, 48, 0, 500), second = matMul(16, 16, 16, 1, 1000);
  second.set(Field::Base0, 500).set(Field::Base1, 600);
  std::vector<Instruction> code = {loadMask(0, 0, 48, allOnes),
                                   loadData(0, 0, 48, inA),
                                   loadMask(1, 0, 48, allOnes),
                                   loadData(1, 0, 48, inB),
                                   first,
                                   loadMask(1, 600, 16, none),
                                   storeData(0, 500, 16, kSram),
                                   loadData(0, 500, 16, kSram),
                                   second};
  ASSERT_TRUE(run(code).ok());
  LocationStatistics totals = simulator->totals();
  // The first has two operands of parameters, the second one, all of it zeros.
  EXPECT_EQ(totals.parameterVectors, 48 + 48 + 16);
  EXPECT_EQ(totals.nullParameterVectors, 6 + 5 + 16);
  // 6 vectors of A, each with 16 rows of B; 5 of B with the 14 rows of A that are left; then all.
  EXPECT_EQ(totals.gatedProducts, 6 * 16 + 5 * 14 + 256);
  EXPECT_EQ(totals.macs / 16, 3 * 256 + 256);
}

TEST_F(SimulatorTest, DecodedOperandsFollowWhatTheTiersHold) {
  // One operand, dense codes in the image or copied to SRAM; B is the image's start.
  uint64_t ones = addImage(kDram + 0x60000, std::vector<uint8_t>(8192, 0xff));
  auto product = [&](uint64_t a, int64_t row, uint64_t out) -> std::vector<Instruction> {
    Instruction multiply = matMul(16, 16, 16, 1, 1000);
    multiply.set(Field::Base0, row);
    return {loadData(0, row, 16, a), multiply, storeData(1, 1000, 16, out)};
  };
  std::vector<Instruction> code = {loadMask(0, 0, 64, ones), loadMask(1, 0, 16, ones),
                                   loadData(1, 0, 16, kDram)};
  auto append = [&](const std::vector<Instruction> &more) {
    code.insert(code.end(), more.begin(), more.end());
  };
  auto reference = [&](uint64_t a) {
    std::vector<Instruction> kept = code;
    append(product(a, 0, kSram));
    EXPECT_TRUE(run(code).ok());
    code = kept;
    return read(kSram, 256);
  };
  std::vector<uint8_t> first = reference(kDram + 1024), second = reference(kDram + 2048);
  ASSERT_NE(first, second);

  // The same place twice, then at another row, then what the program itself wrote there.
  append(product(kDram + 1024, 0, kSram));
  append(product(kDram + 1024, 32, kSram + 256));
  append(product(kDram + 2048, 32, kSram + 512));
  append(product(kDram + 1024, 32, kSram + 768));
  append({copy(kDram + 1024, kSram + 4096, 256)});
  append(product(kSram + 4096, 0, kSram + 1024));
  append({copy(kDram + 2048, kSram + 4096, 256)});
  append(product(kSram + 4096, 0, kSram + 1280));
  // Half of an operand overwritten by another load.
  append({loadData(0, 0, 16, kDram + 1024), loadData(0, 8, 8, kDram + 2048 + 128)});
  Instruction mixed = matMul(16, 16, 16, 1, 1000);
  append({mixed, storeData(1, 1000, 16, kSram + 1536)});
  ASSERT_TRUE(run(code).ok());
  for (int i : {0, 1, 3, 4})
    EXPECT_EQ(read(kSram + 256 * i, 256), first) << i;
  for (int i : {2, 5})
    EXPECT_EQ(read(kSram + 256 * i, 256), second) << i;
  EXPECT_NE(read(kSram + 1536, 256), first);

  // Between two inferences the host changes the image, as a switch to another task does.
  std::vector<uint8_t> other = read(kDram + 2048, 256);
  ASSERT_TRUE(simulator->writeTier(kDram + 1024, other).ok());
  ASSERT_TRUE(simulator->run(0, inputs).ok());
  EXPECT_EQ(read(kSram, 256), second);
}

/// Operands that come in by parts, in any order, and are overwritten by parts: every product is
/// that of the bytes that lie there.
TEST_F(SimulatorTest, OperandsLoadedInParts) {
  uint64_t ones = addImage(kDram + 0x60000, std::vector<uint8_t>(8192, 0xff));
  std::mt19937 random(11);
  constexpr int64_t kRows = 48, kSteps = 60;
  std::vector<uint8_t> image = stream.images[0].bytes,
                       held(image.begin(), image.begin() + 16 * kRows);
  std::vector<uint8_t> right(image.begin(), image.begin() + 256), want;
  std::vector<Instruction> code = {loadMask(0, 0, kRows, ones), loadMask(1, 0, 16, ones),
                                   loadData(1, 0, 16, kDram), loadData(0, 0, kRows, kDram)};
  Operand b;
  decodeOperand(OperandRole::B, 16, 16, std::vector<uint16_t>(16, 0xffff), right, b);
  int64_t products = 0;
  for (int step = 0; step < kSteps; ++step) {
    // Mostly what lies next to it in the image, too.
    int64_t row = random() % 16, rows = 1 + random() % 32;
    int64_t from = 16 * (row + (random() % 3 ? 0 : random() % 900));
    if (step < 2) // all of it, then its begin from elsewhere
      row = 0, rows = step ? 16 : kRows, from = step ? 8000 : 0;
    std::copy_n(image.begin() + from, 16 * rows, held.begin() + 16 * row);
    code.push_back(loadData(0, row, rows, kDram + from));
    for (int64_t base = step % 2 * 16; base <= step % 2 * 16 + 16; base += 8) {
      Instruction multiply = matMul(16, 16, 16, 1, 1000);
      multiply.set(Field::Base0, base);
      code.insert(code.end(), {multiply, storeData(1, 1000, 16, kSram + 256 * products)});
      Operand a;
      decodeOperand(OperandRole::A, 16, 16, std::vector<uint16_t>(16, 0xffff),
                    absl::MakeConstSpan(held).subspan(16 * base, 256), a);
      MatMulOutput output;
      output.shift = 8;
      output.outBias = 5;
      want.resize(256 * (products + 1));
      matmul(a, b, output, absl::MakeSpan(want).subspan(256 * products++));
    }
  }
  ASSERT_TRUE(run(code).ok());
  for (int64_t i = 0; i < products; ++i)
    EXPECT_EQ(read(kSram + 256 * i, 256),
              std::vector<uint8_t>(want.begin() + 256 * i, want.begin() + 256 * (i + 1)))
        << i;
}

TEST_F(SimulatorTest, AnyNumberOfThreadsGivesTheSameBytesAndCounts) {
  uint64_t ones = addImage(kDram + 0x60000, std::vector<uint8_t>(8192, 0xff));
  std::mt19937 rng(3);
  std::vector<uint8_t> codes(65536);
  for (uint8_t &code : codes)
    code = static_cast<uint8_t>(rng());
  uint64_t random = addImage(kDram + 0x20000, codes);
  Fields sfu = {
      {Field::Memory, 1},      {Field::InBase, 0},   {Field::OutBase, 1024}, {Field::Vectors, 8},
      {Field::Timesteps, 128}, {Field::InBias, 5},   {Field::OutBias, 3},    {Field::PadLanes, 2},
      {Field::GammaBase, 0},   {Field::BetaBase, 8}, {Field::GammaBias, 4},  {Field::BetaBias, 4},
      {Field::InBase1, 512},   {Field::InBias1, 6},  {Field::SpanBase, 0},   {Field::SpanBias, 4}};
  auto op = [&](Opcode opcode) {
    Instruction in(opcode);
    for (auto [field, value] : sfu)
      if (in.has(field))
        in.set(field, value);
    return in;
  };
  std::vector<Instruction> code = {
      make(Opcode::LoadAux,
           {{Field::Row, 0}, {Field::Rows, 16}, {Field::Address, static_cast<int64_t>(random)}}),
      loadMask(0, 0, 1024, ones), loadMask(1, 0, 4096, ones), loadData(0, 0, 1024, random),
      loadData(1, 0, 4096, random)};
  code.push_back(matMul(128, 128, 128, 1, 2048));
  code.push_back(storeData(1, 2048, 1024, kSram));
  int64_t at = 16384;
  for (Opcode opcode : {Opcode::LayerNorm, Opcode::Softmax, Opcode::ElementAdd}) {
    code.push_back(op(opcode)); // an add whose result overlaps its second operand, row by row
    code.push_back(storeData(1, 1024, 1024, kSram + static_cast<uint64_t>(at)));
    at += 16384;
  }
  ASSERT_TRUE(run(code).ok());
  std::vector<uint8_t> want = read(kSram, 65536);
  LocationStatistics counted = simulator->totals();
  EXPECT_GT(counted.counts.saturations, 0);
  for (int threads : {2, 5}) {
    absl::StatusOr<Simulator> made = Simulator::create(stream, machine);
    ASSERT_TRUE(made.ok());
    made->setThreads(threads);
    ASSERT_TRUE(made->runPowerOn().ok() && made->switchTo(0).ok());
    ASSERT_TRUE(made->run(0, inputs).ok());
    EXPECT_EQ(*made->readTier(kSram, 65536), want) << threads;
    EXPECT_EQ(made->totals().counts.saturations, counted.counts.saturations);
    EXPECT_EQ(made->totals().counts.overflows, counted.counts.overflows);
  }
}

TEST_F(SimulatorTest, FaultsHitCodesAndSpareMasks) {
  // In RRAM: mask words that a loop loads, a sparse table with its offsets, indices, codes,
  // and masks that come by way of SRAM.
  std::mt19937 rng(4);
  std::vector<uint8_t> image(65536);
  for (uint8_t &byte : image)
    byte = static_cast<uint8_t>(rng());
  std::vector<uint8_t> rows = {0xff, 0xff, 1, 2, 3, 4, 5, 6, 0x0f, 0, 7, 8, 9, 10};
  std::copy(rows.begin(), rows.end(), image.begin() + 0x4000);
  const std::vector<uint8_t> offsets = {0, 0, 0, 0, 8, 0, 0, 0, 14, 0, 0, 0};
  std::copy(offsets.begin(), offsets.end(), image.begin() + 0x5000);
  stream.images.push_back({"rram", kRram, 1, image});
  Program program;
  program.code = {make(Opcode::Loop, {{Field::Count, 3}}),
                  loadMask(0, 0, 100, kRram).set(Field::LoopStride, 0x1000),
                  make(Opcode::End),
                  copy(kRram + 0x6000, kSram + 64, 128),
                  loadMask(1, 0, 32, kSram + 96),
                  make(Opcode::HostGather, {{Field::Source, 1},
                                            {Field::Sparse, 1},
                                            {Field::Table, kRram + 0x4000},
                                            {Field::TableRows, 2},
                                            {Field::Columns, 16},
                                            {Field::Offsets, kRram + 0x5000},
                                            {Field::Indices, kRram + 0x5100},
                                            {Field::Timesteps, 4}})};
  stream.programs = {program};
  std::vector<bool> spared(image.size());
  auto spare = [&](int64_t begin, int64_t size) {
    std::fill_n(spared.begin() + begin, size, true);
  };
  for (int64_t i : {0, 0x1000, 0x2000})
    spare(i, 200);
  spare(0x4000, 2); // each row's mask word
  spare(0x4008, 2);
  spare(0x5000, 12);
  spare(0x5100, 16);
  spare(0x6020, 64);

  Stream first = stream, again = stream, other = stream, none = stream;
  auto faults = injectFaults(first, machine, {1, 0.1});
  ASSERT_EQ(faults.size(), 1u); // DRAM does not fail
  EXPECT_EQ(faults[0].tier, "rram");
  EXPECT_EQ(faults[0].cells, 4 * std::count(spared.begin(), spared.end(), false)); // of two bits
  EXPECT_NEAR(static_cast<double>(faults[0].wrong), 0.1 * faults[0].cells,
              5 * std::sqrt(0.1 * faults[0].cells));
  EXPECT_EQ(first.images[0].bytes, stream.images[0].bytes);
  int64_t changed = 0;
  for (size_t i = 0; i < image.size(); ++i) {
    if (spared[i]) {
      EXPECT_EQ(first.images[1].bytes[i], image[i]) << i;
    }
    changed += first.images[1].bytes[i] != image[i];
  }
  EXPECT_GT(changed, 15000); // 1 - 0.9^4 of 64 Ki
  injectFaults(again, machine, {1, 0.1});
  EXPECT_EQ(again.images[1].bytes, first.images[1].bytes);
  injectFaults(other, machine, {2, 0.1});
  EXPECT_NE(other.images[1].bytes, first.images[1].bytes);
  // At the machine's own rate, 8e-9 a cell, nothing happens in so few.
  faults = injectFaults(none, machine, {1, std::nullopt});
  EXPECT_EQ(faults[0].wrong, 0);
  EXPECT_EQ(none.images[1].bytes, image);
}

TEST(Faults, OptionsAreReadOrRefused) {
  auto options = parseFaults("seed:7,rate:1e-3");
  ASSERT_TRUE(options.ok());
  EXPECT_EQ(options->seed, 7u);
  EXPECT_EQ(options->rate, 1e-3);
  EXPECT_FALSE(parseFaults("seed:1")->rate.has_value());
  for (const char *bad : {"", "seed", "seed:x", "seed:1,rate:2", "seed:1,level:3"})
    EXPECT_THAT(std::string(parseFaults(bad).status().message()), HasSubstr("faults: '")) << bad;
  EXPECT_THAT(std::string(parseFaults("rate:0.5").status().message()), HasSubstr("no seed"));
}

TEST(WrittenRanges, AgreeWithAnArray) {
  std::mt19937 rng(5);
  for (int round = 0; round < 50; ++round) {
    WrittenRanges ranges;
    std::vector<bool> array(200);
    for (int step = 0; step < 40; ++step) {
      int64_t begin = rng() % 190, end = begin + rng() % 10;
      ranges.add(begin, end);
      std::fill(array.begin() + begin, array.begin() + end, true);
      begin = rng() % 200, end = begin + rng() % (201 - begin);
      auto missing = std::find(array.begin() + begin, array.begin() + end, false);
      EXPECT_EQ(ranges.firstMissing(begin, end), missing - array.begin());
      int64_t inside = 0;
      for (auto [from, to] : ranges.within(begin, end)) {
        EXPECT_LT(from, to);
        EXPECT_EQ(std::find(array.begin() + from, array.begin() + to, false), array.begin() + to);
        inside += to - from;
      }
      EXPECT_EQ(inside, std::count(array.begin() + begin, array.begin() + end, true));
      EXPECT_EQ(ranges.overlaps(begin, end),
                std::find(array.begin() + begin, array.begin() + end, true) != array.begin() + end);
    }
  }
}

TEST_F(SimulatorTest, SfuOperationsWalkBlockOrderAndKeepPadding) {
  // Two vectors a row, 20 rows (two row blocks), the last 5 lanes padding.
  std::mt19937 rng(2);
  std::vector<uint8_t> x(32 * 32), gamma(32), ones(4096, 0xff);
  for (auto *codes : {&x, &gamma})
    for (uint8_t &code : *codes)
      code = static_cast<uint8_t>((rng() & 0x8f) | ((2 + rng() % 4) << 4));
  uint64_t inX = addImage(kDram + 0x20000, toBlockOrder(x, 32, 32));
  uint64_t inGamma = addImage(kDram + 0x30000, gamma);
  uint64_t allOnes = addImage(kDram + 0x60000, ones);
  Fields common = {{Field::Memory, 0},  {Field::InBase, 0},     {Field::OutBase, 128},
                   {Field::Vectors, 2}, {Field::Timesteps, 20}, {Field::InBias, 5},
                   {Field::OutBias, 6}, {Field::PadLanes, 5}};
  auto with = [&](Opcode op, Fields more) {
    Fields values = common;
    values.insert(values.end(), more.begin(), more.end());
    return make(op, values);
  };
  std::vector<Instruction> begin = {
      loadMask(0, 0, 512, allOnes), loadData(0, 0, 64, inX), loadData(0, 128, 64, kDram),
      make(Opcode::LoadAux,
           {{Field::Row, 3}, {Field::Rows, 2}, {Field::Address, static_cast<int64_t>(inGamma)}})};
  auto expectRows = [&](Instruction op, auto row) {
    std::vector<Instruction> code = begin;
    code.push_back(op);
    code.push_back(storeData(0, 128, 64, kSram));
    absl::Status status = run(code).status();
    ASSERT_TRUE(status.ok()) << status;
    std::vector<uint8_t> got = fromBlockOrder(read(kSram, 1024), 32, 32);
    std::vector<uint8_t> before(stream.images[0].bytes.begin(),
                                stream.images[0].bytes.begin() + 1024);
    before = fromBlockOrder(before, 32, 32);
    for (int t = 0; t < 32; ++t) {
      std::vector<int32_t> words, g, out(27);
      for (int i = 0; i < 27; ++i) {
        words.push_back(sfuWord(x[t * 32 + i], 5));
        g.push_back(sfuWord(gamma[i], 4));
      }
      row(words, g, out);
      for (int i = 0; i < 32; ++i) {
        Counts counts;
        uint8_t want = t >= 20 ? before[t * 32 + i] : i >= 27 ? 0 : sfuCode(out[i], 6, counts);
        ASSERT_EQ(got[t * 32 + i], want) << "row " << t << " lane " << i;
      }
    }
  };
  using Words = std::vector<int32_t>;
  expectRows(with(Opcode::LayerNorm, {{Field::GammaBase, 3},
                                      {Field::BetaBase, 3},
                                      {Field::GammaBias, 4},
                                      {Field::BetaBias, 4}}),
             [](const Words &w, const Words &g, Words &out) {
               layerNormRow(w, g, g, absl::MakeSpan(out));
             });
  expectRows(
      with(Opcode::Softmax, {{Field::SpanBase, 3}, {Field::SpanBias, 4}}),
      [](const Words &w, const Words &g, Words &out) { softmaxRow(w, g, absl::MakeSpan(out)); });
  expectRows(with(Opcode::ElementAdd, {{Field::InBase1, 0}, {Field::InBias1, 5}}),
             [](const Words &w, const Words &, Words &out) {
               for (size_t i = 0; i < w.size(); ++i)
                 out[i] = addWords(w[i], w[i]);
             });
  std::vector<Instruction> code = begin;
  Instruction entropy = make(
      Opcode::Entropy,
      {{Field::Vectors, 2}, {Field::InBias, 5}, {Field::PadLanes, 5}, {Field::Threshold, 32767}});
  code.push_back(entropy);
  ASSERT_TRUE(run(code).ok());
  EXPECT_EQ(simulator->entropyStatus(), 3);
  code.back().set(Field::Threshold, -32768);
  ASSERT_TRUE(run(code).ok());
  EXPECT_EQ(simulator->entropyStatus(), 2);
}

//===----------------------------------------------------------------------===//
// Host calls
//===----------------------------------------------------------------------===//

TEST_F(SimulatorTest, EmbeddingToOutput) {
  // Three rows of 20 columns, dense; the same table sparse, read with indices in memory.
  const int64_t columns = 20;
  std::vector<uint8_t> table(3 * columns), padded(3 * 32);
  for (int64_t r = 0; r < 3; ++r)
    for (int64_t c = 0; c < columns; ++c)
      table[r * columns + c] = padded[r * 32 + c] =
          c % 3 ? static_cast<uint8_t>(17 * r + 11 * c + 1) : 0;
  EncodedRows rows = encodeRows(table, 3, columns);
  std::vector<uint8_t> offsets, indices;
  for (uint32_t offset : rows.offset)
    for (int i = 0; i < 4; ++i)
      offsets.push_back(static_cast<uint8_t>(offset >> (8 * i)));
  for (int t = 0; t < 4; ++t)
    for (int byte = 0; byte < 4; ++byte)
      indices.push_back(static_cast<uint8_t>(byte == 0 ? t % 2 : 0));
  uint64_t dense = addImage(kDram + 0x20000, padded);
  uint64_t sparse = addImage(kDram + 0x21000, rows.data);
  uint64_t offsetsAt = addImage(kDram + 0x22000, offsets);
  uint64_t indicesAt = addImage(kDram + 0x23000, indices);
  stream.tasks[0].outputs = {{"y", ElementType::F32, {1, 4, columns}}};
  auto out = run({gather(dense, 3, columns),
                  gather(sparse, 3, columns,
                         {{Field::Source, 1},
                          {Field::Indices, static_cast<int64_t>(indicesAt)},
                          {Field::Offsets, static_cast<int64_t>(offsetsAt)},
                          {Field::Sparse, 1},
                          {Field::Accumulate, 1}}),
                  make(Opcode::HostEmit, {{Field::OutAddress, kSram},
                                          {Field::Timesteps, 4},
                                          {Field::Columns, columns},
                                          {Field::Bias, 5},
                                          {Field::Scale, -1}}),
                  make(Opcode::HostTranspose, {{Field::Address, kSram},
                                               {Field::OutAddress, kSram + 4096},
                                               {Field::Timesteps, 4},
                                               {Field::Columns, columns}}),
                  make(Opcode::HostTranspose, {{Field::Address, kSram + 4096},
                                               {Field::OutAddress, kSram + 8192},
                                               {Field::Timesteps, columns},
                                               {Field::Columns, 4}}),
                  make(Opcode::HostOutput, {{Field::Address, kSram + 8192},
                                            {Field::Timesteps, 4},
                                            {Field::Columns, columns},
                                            {Field::Bias, 5},
                                            {Field::Scale, -1}})});
  ASSERT_TRUE(out.ok()) << out.status();
  ASSERT_EQ(out->size(), 1u);
  EXPECT_EQ((*out)[0].name, "y");
  EXPECT_EQ((*out)[0].shape, (std::vector<int64_t>{1, 4, columns}));
  std::vector<float> values = *(*out)[0].toFloats();
  const int ids[] = {2, 0, 1, 2};
  for (int t = 0; t < 4; ++t)
    for (int c = 0; c < columns; ++c) {
      double sum = decodeAdaptivFloat(kAf8, -7, table[ids[t] * columns + c]) +
                   decodeAdaptivFloat(kAf8, -7, table[(t % 2) * columns + c]);
      double want = decodeAdaptivFloat(kAf8, -6, encodeAdaptivFloat(kAf8, -6, sum));
      EXPECT_EQ(values[t * columns + c], want) << t << " " << c;
    }
  // The transpose of the 16 x 32 block matrix: element (row 1, column 18).
  std::vector<uint8_t> straight = read(kSram, 512), turned = read(kSram + 4096, 512);
  EXPECT_EQ(straight[blockVectorIndex(1, 1, 2) * 16 + 2],
            turned[blockVectorIndex(18, 0, 1) * 16 + 1]);
}

TEST_F(SimulatorTest, TableMaskAndCopy) {
  std::vector<uint8_t> table(512);
  for (int i = 0; i < 512; ++i)
    table[i] = static_cast<uint8_t>(i < 256 ? 255 - i : i ^ 0x55);
  uint64_t at = addImage(kDram + 0x20000, table);
  ASSERT_TRUE(run({make(Opcode::Loop, {{Field::Count, 2}}),
                   make(Opcode::HostTable, {{Field::Address, kDram},
                                            {Field::OutAddress, kSram},
                                            {Field::Bytes, 100},
                                            {Field::Table, static_cast<int64_t>(at)},
                                            {Field::LoopStride, 256}}),
                   make(Opcode::End),
                   make(Opcode::HostMask, {{Field::Input, 1},
                                           {Field::OutAddress, kSram + 200},
                                           {Field::Timesteps, 4},
                                           {Field::Vectors, 2},
                                           {Field::Bias, 3}}),
                   make(Opcode::HostMask, {{Field::Input, 1},
                                           {Field::OutAddress, kSram + 400},
                                           {Field::Timesteps, 4},
                                           {Field::Vectors, 2},
                                           {Field::Bias, 3},
                                           {Field::Inverted, 1}}),
                   copy(kSram + 200, kSram + 300, 32)})
                  .ok());
  std::vector<uint8_t> codes = read(kSram, 100);
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(codes[i], stream.images[0].bytes[i] ^ 0x55);
  std::vector<uint8_t> span = read(kSram + 300, 32), want(32, 0);
  want[0] = want[1] = want[3] = 0x70; // 1.0 = 2^(7 + 3 - 10)
  EXPECT_EQ(span, want);
  std::vector<uint8_t> inverted(32, 0); // zeros behind the tokens
  inverted[2] = 0x70;
  EXPECT_EQ(read(kSram + 400, 32), inverted);
}

//===----------------------------------------------------------------------===//
// Tasks
//===----------------------------------------------------------------------===//

TEST_F(SimulatorTest, SwitchesBringParametersIn) {
  Task second = stream.tasks[0];
  second.name = "mnli";
  second.runProgram = 1;
  stream.tasks.push_back(second);
  auto program = [](const char *name, ProgramRole role, std::vector<Instruction> code) {
    return Program{name, role, 3, std::move(code), {}};
  };
  stream.programs = {program("run0", ProgramRole::Run, {copy(kSram, kSram + 100, 1)}),
                     program("run1", ProgramRole::Run, {copy(kSram, kSram + 100, 1)}),
                     program("in0", ProgramRole::Switch, {copy(kDram + 1, kSram, 1)}),
                     program("in1", ProgramRole::Switch, {copy(kDram + 2, kSram, 1)}),
                     program("power_on", ProgramRole::PowerOn, {copy(kDram + 3, kSram + 8, 1)})};
  stream.switchTo = {-1, 3, 2, -1, 2, 3};
  auto made = Simulator::create(stream, machine);
  ASSERT_TRUE(made.ok());
  EXPECT_EQ(made->activeTask(), -1);
  EXPECT_THAT(std::string(made->run(0, inputs).status().message()),
              HasSubstr("switch to it first"));
  ASSERT_TRUE(made->runPowerOn().ok());
  for (int task : {0, 1, 1, 0}) {
    ASSERT_TRUE(made->switchTo(task).ok());
    ASSERT_TRUE(made->run(task, inputs).ok());
    EXPECT_EQ(made->readTier(kSram + 100, 1)->front(), stream.images[0].bytes[1 + task]);
  }
  EXPECT_EQ(made->readTier(kSram + 8, 1)->front(), stream.images[0].bytes[3]);
  EXPECT_FALSE(made->switchTo(2).ok());
}

TEST_F(SimulatorTest, ReadsStoredValues) {
  // 3 tokens of 2 groups of 3 features, plain and transposed; code 0x70 + k at bias 3 is
  // 1 + k/16.
  std::vector<uint8_t> plain(16 * 32), transposed(32 * 16);
  for (int t = 0; t < 3; ++t)
    for (int f = 0; f < 6; ++f) {
      int lane = f / 3 * 16 + f % 3;
      plain[t * 32 + lane] = transposed[lane * 16 + t] = static_cast<uint8_t>(0x70 + 3 * t + f);
    }
  uint64_t first = addImage(kDram + 0x20000, toBlockOrder(plain, 16, 32));
  uint64_t second = addImage(kDram + 0x30000, toBlockOrder(transposed, 32, 16));
  ASSERT_TRUE(run({}).ok());
  for (bool swapped : {false, true}) {
    StoredValue value{0, 0, swapped ? second : first, 3, 6, 3, swapped, 3, -1};
    auto values = simulator->readValue(value);
    ASSERT_TRUE(values.ok()) << values.status();
    ASSERT_EQ(values->size(), 18u);
    for (int t = 0; t < 3; ++t)
      for (int f = 0; f < 6; ++f)
        EXPECT_EQ((*values)[t * 6 + f], (1 + (3 * t + f) / 16.0f) / 2);
  }
  EXPECT_FALSE(simulator->readValue({0, 0, kSram, 1, 1, 0, false, 0, 0}).ok());
}

TEST_F(SimulatorTest, ObserverSeesEveryInstruction) {
  ASSERT_TRUE(run({}).ok());
  int steps = 0;
  simulator->setObserver([&](const Step &step) { steps += step.program.name == "run_sst2"; });
  ASSERT_TRUE(simulator->run(0, inputs).ok());
  EXPECT_EQ(steps, 2); // begin and end
}

} // namespace
