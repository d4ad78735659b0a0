//===- SweepTest.cpp - whole tensors, engine and host, at random -----------===//
//
// Programs of one operation with random shapes, sparsities, places, biases and shifts, on each
// set of vector instructions in turn and with one thread or several, against SlowEngine.h.
//
//===----------------------------------------------------------------------===//
#include "SimulatorFixture.h"
#include "SlowEngine.h"
#include "aac/Numerics/Layout.h"
#include "hwy/targets.h"
#include <gmock/gmock.h>

#include <random>

using namespace aac;
using namespace aac::sim;

namespace {

constexpr int64_t kRows = 4096; ///< of a data memory

class SweepTest : public SimulatorTest {
protected:
  ~SweepTest() override { hwy::SetSupportedTargetsForTest(0); }

  int64_t below(int64_t n) { return static_cast<int64_t>(rng() % static_cast<uint64_t>(n)); }
  bool chance(double p) { return std::uniform_real_distribution<>(0, 1)(rng) < p; }

  /// Codes with up to `maxField` in the exponent field; zeros of either sign among them.
  std::vector<uint8_t> codes(int64_t count, double sparsity, int64_t maxField = 7) {
    std::vector<uint8_t> result(static_cast<size_t>(count));
    for (uint8_t &code : result)
      code = static_cast<uint8_t>(
          chance(sparsity) ? below(2) << 7 : below(2) << 7 | below(maxField + 1) << 4 | below(16));
    return result;
  }

  /// Takes the next set of vector instructions and a number of threads.
  void nextTarget() {
    std::vector<int64_t> targets = hwy::SupportedAndGeneratedTargets();
    int64_t target = targets[round++ % targets.size()];
    hwy::SetSupportedTargetsForTest(target);
    threads = chance(0.5) ? 1 : 3;
    trace = std::string(hwy::TargetName(target)) + ", " + std::to_string(threads) + " threads, ";
  }

  std::vector<uint8_t> little(const std::vector<uint32_t> &values, int bytes) {
    std::vector<uint8_t> result;
    for (uint32_t value : values)
      for (int i = 0; i < bytes; ++i)
        result.push_back(static_cast<uint8_t>(value >> (8 * i)));
    return result;
  }
  std::vector<uint8_t> little(const std::vector<uint16_t> &values) {
    return little(std::vector<uint32_t>(values.begin(), values.end()), 2);
  }

  /// Row-major codes in block order, zeros around them.
  static std::vector<uint8_t> blocks(const std::vector<uint8_t> &rowMajor, int64_t rows,
                                     int64_t columns) {
    std::vector<uint8_t> result(
        static_cast<size_t>(roundUp(rows, kLanes) * roundUp(columns, kLanes)));
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t c = 0; c < columns; ++c)
        result[slow::blockIndex(r, c, columns)] = rowMajor[r * columns + c];
    return result;
  }

  /// Loads [rows x columns] in block order to vector `at` of a memory, all mask bits set.
  void load(int64_t memory, int64_t at, const std::vector<uint8_t> &rowMajor, int64_t rows,
            int64_t columns) {
    std::vector<uint8_t> image = blocks(rowMajor, rows, columns);
    int64_t vectors = static_cast<int64_t>(image.size()) / kLanes;
    uint64_t data = place(image), mask = place(std::vector<uint8_t>(vectors * 2, 0xff));
    code.push_back(loadMask(memory, at, vectors, mask));
    code.push_back(loadData(memory, at, vectors, data));
  }

  /// Puts bytes into DRAM.
  uint64_t place(const std::vector<uint8_t> &bytes) {
    uint64_t at = free;
    free += static_cast<uint64_t>(roundUp(static_cast<int64_t>(bytes.size()), 64) + 64);
    return addImage(at, bytes);
  }

  void begin() {
    stream.images.clear();
    free = kDram;
    code.clear();
    nextTarget();
  }

  std::mt19937 rng{2024};
  size_t round = 0;
  uint64_t free = kDram;
  std::vector<Instruction> code;
  std::string trace;
};

//===----------------------------------------------------------------------===//
// Engine
//===----------------------------------------------------------------------===//

TEST_F(SweepTest, MatMul) {
  int64_t overflows = 0, saturations = 0;
  for (int i = 0; i < 120; ++i) {
    begin();
    bool large = i % 12 == 0;       // enough for threads to share
    int64_t most = i % 10 ? 5 : 60; // long reductions overflow
    int64_t n0 = 16 * (large ? 7 : 1 + below(3)), n1 = 16 * (large ? 7 : 1 + below(3));
    int64_t m = 16 * (large ? 6 : 1 + below(most));
    std::vector<uint8_t> operand[2];
    int64_t base[2], offset[2];
    for (int side : {0, 1}) {
      int64_t rows = side ? n1 : n0, vectors = rows * m / kLanes;
      operand[side] = codes(rows * m, static_cast<double>(below(11)) / 10, below(8));
      if (i % 20 == 0) // sums of one sign, outside the accumulator
        operand[side].assign(operand[side].size(), chance(0.5) ? 0x7f : 0xfe);
      if (chance(0.2)) // vectors of nothing
        std::fill_n(operand[side].begin() + below(rows) * m, m, 0);
      std::vector<uint8_t> image = blocks(operand[side], rows, m);
      EncodedVectors stored{std::vector<uint16_t>(static_cast<size_t>(vectors), 0xffff), image};
      if (chance(0.7))
        stored = encodeBitMask(image);
      base[side] = below(kRows - vectors + 1);
      int64_t row = std::min(base[side], kRows - stored.rows());
      row -= below(std::min<int64_t>(row, base[side] - row + 200) + 1) / 2;
      offset[side] = base[side] - row;
      code.push_back(loadMask(side, base[side], vectors, place(little(stored.mask))));
      if (stored.rows())
        code.push_back(loadData(side, row, stored.rows(), place(stored.data)));
    }
    int shift = static_cast<int>(below(32)), bias = static_cast<int>(below(256)) - 128;
    int outBias = static_cast<int>(below(8));
    bool biasEnable = chance(0.5), relu = chance(0.5);
    int64_t results = n0 * n1 / kLanes, outBase = below(kRows - results + 1), out = below(2);
    code.push_back(make(Opcode::MatMul, {{Field::N0, n0},
                                         {Field::N1, n1},
                                         {Field::M, m},
                                         {Field::Relu, relu},
                                         {Field::BiasEnable, biasEnable},
                                         {Field::WeightBias, bias},
                                         {Field::Shift, shift},
                                         {Field::OutBias, outBias},
                                         {Field::Base0, base[0]},
                                         {Field::Base1, base[1]},
                                         {Field::DataOffset0, offset[0]},
                                         {Field::DataOffset1, offset[1]},
                                         {Field::OutMemory, out},
                                         {Field::OutBase, outBase}}));
    code.push_back(storeData(out, outBase, results, kSram));
    ASSERT_TRUE(run(code).ok()) << errorOf(code);
    std::vector<uint8_t> want(static_cast<size_t>(n0 * n1));
    int64_t overflowed = 0, saturated = 0;
    for (int64_t r = 0; r < n1; ++r)
      for (int64_t c = 0; c < n0; ++c)
        want[slow::blockIndex(r, c, n0)] =
            slow::afterSum(slow::dotProduct(&operand[1][r * m], &operand[0][c * m], m), shift,
                           biasEnable, bias, relu, outBias, overflowed, saturated);
    ASSERT_EQ(read(kSram, want.size()), want) << trace << n0 << " x " << n1 << " x " << m;
    EXPECT_EQ(simulator->totals().counts.overflows, overflowed) << trace;
    EXPECT_EQ(simulator->totals().counts.saturations, saturated) << trace;
    overflows += overflowed;
    saturations += saturated;
  }
  EXPECT_GT(overflows, 0);
  EXPECT_GT(saturations, 0);
}

/// Layer norm, softmax and addition: rows in, rows out.
TEST_F(SweepTest, SpecialFunctions) {
  int64_t allSaturated = 0;
  for (int i = 0; i < 240; ++i) {
    begin();
    Opcode op = std::array{Opcode::LayerNorm, Opcode::Softmax, Opcode::ElementAdd}[i % 3];
    bool large = i % 7 == 0; // enough for threads to share
    int64_t vectors = large ? 9 : 1 + below(6), timesteps = large ? 120 : 1 + below(40);
    int64_t pad = below(16), columns = vectors * kLanes, width = columns - pad;
    int64_t size = roundUp(timesteps, kLanes) * vectors, memory = below(2);
    int inBias = static_cast<int>(below(8)), inBias1 = static_cast<int>(below(8));
    int outBias = static_cast<int>(below(8)), bias0 = static_cast<int>(below(8)),
        bias1 = static_cast<int>(below(8));
    // Beyond the padding and past the last row lie codes that must not matter.
    int64_t rows = roundUp(timesteps, kLanes);
    std::vector<uint8_t> x = codes(rows * columns, 0.1, 2 + below(6)),
                         second = codes(rows * columns, 0.1, 2 + below(6));
    if (chance(0.2)) // all of one row equal
      std::fill_n(x.begin() + below(timesteps) * columns, columns, codes(1, 0)[0]);
    // The result elsewhere, in place, or over other rows of an operand: rows are done one by one.
    int64_t inBase = below(200), inBase1 = 1400 + below(200), outBase = 2900;
    if (chance(0.5))
      outBase = chance(0.5) ? inBase : inBase1 + (chance(0.5) ? below(size) : -below(size));
    std::vector<uint8_t> held(kRows * kLanes, 0x5a); // what the memory holds
    code.push_back(loadMask(memory, 0, kRows, place(std::vector<uint8_t>(2 * kRows, 0xff))));
    code.push_back(loadData(memory, 0, kRows, place(held)));
    for (auto [operand, at] : {std::pair{&x, inBase}, {&second, inBase1}}) {
      std::vector<uint8_t> image = blocks(*operand, rows, columns);
      std::copy(image.begin(), image.end(), held.begin() + at * kLanes);
      load(memory, at, *operand, rows, columns);
    }
    std::vector<uint8_t> aux0 = codes(columns, 0.2), aux1 = codes(columns, 0.2);
    bool masked = op == Opcode::Softmax && chance(0.1);
    for (int64_t c = 0; c < columns; ++c)
      if (op == Opcode::Softmax && (masked || chance(0.7)))
        aux0[c] = masked ? aux0[c] | 0x80 : 0x40; // none, or one weight for many
    int64_t row0 = below(100), row1 = row0 + vectors;
    std::vector<uint8_t> aux = aux0;
    aux.insert(aux.end(), aux1.begin(), aux1.end());
    code.push_back(make(Opcode::LoadAux, {{Field::Row, row0},
                                          {Field::Rows, 2 * vectors},
                                          {Field::Address, static_cast<int64_t>(place(aux))}}));
    Instruction in(op);
    for (auto [field, value] : Fields{{Field::Memory, memory},
                                      {Field::InBase, inBase},
                                      {Field::InBase1, inBase1},
                                      {Field::OutBase, outBase},
                                      {Field::Vectors, vectors},
                                      {Field::Timesteps, timesteps},
                                      {Field::InBias, inBias},
                                      {Field::InBias1, inBias1},
                                      {Field::OutBias, outBias},
                                      {Field::PadLanes, pad},
                                      {Field::GammaBase, row0},
                                      {Field::BetaBase, row1},
                                      {Field::SpanBase, row0},
                                      {Field::GammaBias, bias0},
                                      {Field::BetaBias, bias1},
                                      {Field::SpanBias, bias0}})
      if (in.has(field))
        in.set(field, value);
    code.push_back(in);
    code.push_back(storeData(memory, 0, kRows, kSram));
    ASSERT_TRUE(run(code).ok()) << errorOf(code);

    auto wordsOf = [&](const std::vector<uint8_t> &row, int bias) {
      std::vector<int64_t> result(static_cast<size_t>(width));
      for (int64_t c = 0; c < width; ++c)
        result[c] = slow::wordOf(row[c], bias);
      return result;
    };
    auto at = [&](int64_t base, int64_t t, int64_t c) -> uint8_t & {
      return held[base * kLanes + slow::blockIndex(t, c, columns)];
    };
    auto rowAt = [&](int64_t base, int64_t t) {
      std::vector<uint8_t> row(static_cast<size_t>(width));
      for (int64_t c = 0; c < width; ++c)
        row[c] = at(base, t, c);
      return row;
    };
    int64_t saturated = 0;
    for (int64_t t = 0; t < timesteps; ++t) {
      std::vector<int64_t> a = wordsOf(rowAt(inBase, t), inBias), y(a.size());
      std::vector<int64_t> b = wordsOf(rowAt(inBase1, t), inBias1);
      if (op == Opcode::LayerNorm)
        y = slow::layerNormRow(a, wordsOf(aux0, bias0), wordsOf(aux1, bias1));
      else if (op == Opcode::Softmax)
        y = slow::softmaxRow(a, wordsOf(aux0, bias0));
      else
        for (int64_t c = 0; c < width; ++c)
          y[c] = slow::saturate(a[c] + b[c]);
      for (int64_t c = 0; c < columns; ++c)
        at(outBase, t, c) =
            c < width ? slow::codeOf(static_cast<double>(y[c]), 14, outBias, saturated) : 0;
    }
    ASSERT_EQ(read(kSram, held.size()), held)
        << trace << isa::print(in) << (masked ? ", all masked" : "");
    EXPECT_EQ(simulator->totals().counts.saturations, saturated) << trace;
    allSaturated += saturated;
  }
  EXPECT_GT(allSaturated, 0);
}

TEST_F(SweepTest, Entropy) {
  for (int i = 0; i < 200; ++i) {
    begin();
    int64_t vectors = i % 20 ? 1 + below(4) : 1 + below(250), columns = vectors * kLanes;
    int64_t pad = below(16), memory = below(2), bias = below(8);
    int64_t base = below(kRows - 16 * vectors + 1);
    std::vector<uint8_t> x = codes(16 * columns, 0.1, below(8));
    std::vector<int64_t> words(static_cast<size_t>(columns - pad));
    if (chance(0.1))
      std::fill_n(x.begin(), columns, x[0]);
    for (size_t c = 0; c < words.size(); ++c)
      words[c] = slow::wordOf(x[c], static_cast<int>(bias));
    int64_t want = slow::entropyOfRow(words);
    load(memory, base, x, 16, columns);
    for (int64_t threshold : {want, want - 1, below(4000) - 1000}) {
      std::vector<Instruction> all = code;
      all.push_back(make(Opcode::Entropy, {{Field::Memory, memory},
                                           {Field::InBase, base},
                                           {Field::Vectors, vectors},
                                           {Field::InBias, bias},
                                           {Field::PadLanes, pad},
                                           {Field::Threshold, threshold}}));
      ASSERT_TRUE(run(all).ok()) << errorOf(all);
      ASSERT_EQ(simulator->entropyStatus(), want <= threshold ? 3 : 2)
          << trace << columns - pad << " lanes, " << want << " against " << threshold;
    }
  }
}

//===----------------------------------------------------------------------===//
// Host
//===----------------------------------------------------------------------===//

/// Gathers of dense and sparse tables, row numbers from an input and from memory, added up in
/// several steps, then encoded.
TEST_F(SweepTest, GatherAndEmit) {
  for (int i = 0; i < 150; ++i) {
    begin();
    int64_t timesteps = 1 + below(40), columns = 1 + below(70), steps = 1 + below(4);
    std::vector<double> sums(static_cast<size_t>(timesteps * columns));
    for (int64_t step = 0; step < steps; ++step) {
      int64_t rows = 1 + below(30), padded = roundUp(columns, kLanes);
      int bias = static_cast<int>(below(8)), scale = static_cast<int>(below(20)) - 18;
      std::vector<uint8_t> table = codes(rows * columns, static_cast<double>(below(11)) / 10);
      std::vector<int64_t> ids(static_cast<size_t>(timesteps));
      for (int64_t &id : ids)
        id = below(rows);
      Instruction in = make(Opcode::HostGather, {{Field::TableRows, rows},
                                                 {Field::Columns, columns},
                                                 {Field::Timesteps, timesteps},
                                                 {Field::Bias, bias},
                                                 {Field::Scale, scale},
                                                 {Field::Accumulate, step > 0}});
      if (step == 0) {
        stream.tasks[0].inputs[0].shape = {timesteps};
        inputs[0] = NpyArray::fromInts("ids", {timesteps}, ids);
      } else {
        in.set(Field::Source, 1);
        in.set(Field::Indices, static_cast<int64_t>(place(
                                   little(std::vector<uint32_t>(ids.begin(), ids.end()), 4))));
      }
      if (chance(0.5)) {
        // Per row: mask words, then the codes that are not zero.
        std::vector<uint8_t> bytes;
        std::vector<uint32_t> offsets = {0};
        for (int64_t r = 0; r < rows; ++r) {
          size_t mask = bytes.size();
          bytes.resize(mask + static_cast<size_t>(padded / 8));
          for (int64_t c = 0; c < columns; ++c)
            if (table[r * columns + c] & 0x7f) {
              bytes[mask + static_cast<size_t>(c / 8)] |= static_cast<uint8_t>(1 << c % 8);
              bytes.push_back(table[r * columns + c]);
            }
          offsets.push_back(static_cast<uint32_t>(bytes.size()));
        }
        in.set(Field::Sparse, 1).set(Field::Table, static_cast<int64_t>(place(bytes)));
        in.set(Field::Offsets, static_cast<int64_t>(place(little(offsets, 4))));
      } else {
        std::vector<uint8_t> dense = codes(rows * padded, 0); // what is past the columns: anything
        for (int64_t r = 0; r < rows; ++r)
          std::copy_n(table.begin() + r * columns, columns, dense.begin() + r * padded);
        in.set(Field::Table, static_cast<int64_t>(place(dense)));
      }
      code.push_back(in);
      for (int64_t t = 0; t < timesteps; ++t)
        for (int64_t c = 0; c < columns; ++c)
          sums[t * columns + c] +=
              decodeAdaptivFloat(kAf8, bias - 10 + scale, table[ids[t] * columns + c]);
    }
    int bias = static_cast<int>(below(8)), scale = static_cast<int>(below(24)) - 20;
    code.push_back(make(Opcode::HostEmit, {{Field::OutAddress, kSram},
                                           {Field::Timesteps, timesteps},
                                           {Field::Columns, columns},
                                           {Field::Bias, bias},
                                           {Field::Scale, scale}}));
    ASSERT_TRUE(run(code).ok()) << errorOf(code);
    std::vector<uint8_t> coded(sums.size());
    int64_t saturated = 0;
    for (size_t n = 0; n < sums.size(); ++n)
      coded[n] = slow::codeOf(sums[n], 0, bias + scale, saturated);
    std::vector<uint8_t> want = blocks(coded, timesteps, columns);
    ASSERT_EQ(read(kSram, want.size()), want) << trace << timesteps << " x " << columns;
    EXPECT_EQ(simulator->totals().counts.saturations, saturated);
  }
}

TEST_F(SweepTest, TheHostsAccumulatorWraps) {
  begin();
  // 200 times the largest code with the largest unit, 2^4: 200 * 3968 * 2^44 in units of 2^-40.
  uint64_t table = place(std::vector<uint8_t>(kLanes, 0x7f));
  Instruction first = gather(table, 1, 16, {{Field::Bias, 7}, {Field::Scale, 11}});
  inputs[0] = NpyArray::fromInts("ids", {1, 4}, {0, 0, 0, 0});
  code = {first, make(Opcode::Loop, {{Field::Count, 199}}), first.set(Field::Accumulate, 1),
          make(Opcode::End),
          make(Opcode::HostEmit, {{Field::OutAddress, kSram},
                                  {Field::Timesteps, 4},
                                  {Field::Columns, 16},
                                  {Field::Bias, 7},
                                  {Field::Scale, 20}})};
  ASSERT_TRUE(run(code).ok()) << errorOf(code);
  uint64_t sum = 0;
  for (int i = 0; i < 200; ++i)
    sum += uint64_t{3968} << 44;
  int64_t saturated = 0, wrapped = static_cast<int64_t>(sum);
  ASSERT_LT(wrapped, 0);
  uint8_t want = slow::codeOf(static_cast<double>(wrapped), 60, 7, saturated);
  EXPECT_EQ(read(kSram, 1).front(), want);
}

TEST_F(SweepTest, TablesMasksCopiesTransposesOutputs) {
  for (int i = 0; i < 100; ++i) {
    begin();
    // A table whose address a loop steps, applied to what it made before.
    int64_t bytes = 1 + below(3000), repeat = 1 + below(4), stride = 256 + below(50);
    std::vector<uint8_t> tables = codes(256 + 4 * stride, 0.3), data = codes(bytes, 0.2);
    code = {copy(place(data), kSram, bytes), make(Opcode::Loop, {{Field::Count, repeat}}),
            make(Opcode::HostTable, {{Field::Address, kSram},
                                     {Field::OutAddress, kSram},
                                     {Field::Bytes, bytes},
                                     {Field::Table, static_cast<int64_t>(place(tables))},
                                     {Field::LoopStride, stride}}),
            make(Opcode::End)};
    for (int64_t step = 0; step < repeat; ++step)
      for (uint8_t &byte : data)
        byte = tables[step * stride + byte];

    // A span of a mask input, any of whose values but 0 means yes.
    int64_t tokens = 1 + below(60), vectors = (tokens + 15) / 16 + below(3);
    int64_t bias = 3 + below(5);
    std::vector<int64_t> mask;
    std::vector<uint8_t> span(static_cast<size_t>(vectors * kLanes));
    for (int64_t t = 0; t < tokens; ++t) {
      mask.push_back(chance(0.4) ? 0 : chance(0.5) ? 1 : below(1000) - 500);
      // 1 = 2^(e + b - 10).
      span[t] = mask[t] ? static_cast<uint8_t>((10 - bias) << 4) : 0;
    }
    stream.tasks[0].inputs = {{"mask", ElementType::I64, {1, tokens}}};
    inputs = {NpyArray::fromInts("mask", {1, tokens}, mask)};
    code.push_back(make(Opcode::HostMask, {{Field::Input, 0},
                                           {Field::OutAddress, kSram + 0x10000},
                                           {Field::Timesteps, tokens},
                                           {Field::Vectors, vectors},
                                           {Field::Bias, bias}}));

    // A matrix transposed, and read as an output from either.
    int64_t rows = 1 + below(50), columns = 1 + below(50);
    int bias1 = static_cast<int>(below(8)), scale = static_cast<int>(below(61)) - 30;
    std::vector<uint8_t> matrix = codes(rows * columns, 0.2), turned(matrix.size());
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t c = 0; c < columns; ++c)
        turned[c * rows + r] = matrix[r * columns + c];
    uint64_t straight = place(blocks(matrix, rows, columns));
    stream.tasks[0].outputs = {{"y", ElementType::F32, {rows, columns}},
                               {"z", ElementType::F32, {columns * rows}}};
    code.push_back(make(Opcode::HostTranspose, {{Field::Address, static_cast<int64_t>(straight)},
                                                {Field::OutAddress, kSram + 0x20000},
                                                {Field::Timesteps, rows},
                                                {Field::Columns, columns}}));
    for (int64_t output : {0, 1})
      code.push_back(
          make(Opcode::HostOutput,
               {{Field::Output, output},
                {Field::Address, output ? kSram + 0x20000 : static_cast<int64_t>(straight)},
                {Field::Timesteps, output ? columns : rows},
                {Field::Columns, output ? rows : columns},
                {Field::Bias, bias1},
                {Field::Scale, scale}}));
    auto out = run(code);
    ASSERT_TRUE(out.ok()) << out.status();
    ASSERT_EQ(read(kSram, static_cast<uint64_t>(bytes)), data);
    ASSERT_EQ(read(kSram + 0x10000, span.size()), span) << "bias " << bias;
    std::vector<uint8_t> wantTurned = blocks(turned, columns, rows);
    ASSERT_EQ(read(kSram + 0x20000, wantTurned.size()), wantTurned);
    ASSERT_EQ(out->size(), 2u);
    for (int output : {0, 1}) {
      std::vector<float> got = *(*out)[output].toFloats();
      const std::vector<uint8_t> &from = output ? turned : matrix;
      ASSERT_EQ(got.size(), from.size());
      for (size_t n = 0; n < got.size(); ++n)
        ASSERT_EQ(got[n], decodeAdaptivFloat(kAf8, bias1 - 10 + scale, from[n])) << output;
    }
  }
}

} // namespace
