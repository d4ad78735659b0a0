//===- MatrixKernels.cpp - products of matrices -----------------------------===//
//
// Those of the onnx interpreter on CBLAS, linear() in a fixed order (FixedOrder.h).
//
//===----------------------------------------------------------------------===//
#include "FixedOrder.h"
#include "Strides.h"

#include "mlir/IR/Threading.h"
#include <cblas.h>
#include <limits>

namespace aac::interp {
namespace {

bool fitsBlas(int64_t m, int64_t n, int64_t k) {
  return std::max({m, n, k}) <= std::numeric_limits<int>::max();
}

/// OpenBLAS on at most 8 threads: the matrices of one inference do not feed more.
void limitThreads() {
  static const bool done = [] {
    openblas_set_num_threads(std::min(openblas_get_num_threads(), 8));
    return true;
  }();
  (void)done;
}

/// c [m x n] = alpha * a' b' + beta * c. Leading dimensions are those of the stored matrices.
void multiply(bool transA, bool transB, int64_t m, int64_t n, int64_t k, float alpha,
              const float *a, const float *b, float beta, float *c) {
  if (m == 0 || n == 0)
    return;
  if (k == 0) {
    for (int64_t i = 0; i < m * n; ++i)
      c[i] *= beta;
    return;
  }
  limitThreads();
  cblas_sgemm(CblasRowMajor, transA ? CblasTrans : CblasNoTrans, transB ? CblasTrans : CblasNoTrans,
              m, n, k, alpha, a, transA ? m : k, b, transB ? k : n, beta, c, n);
}

void multiply(int64_t m, int64_t n, int64_t k, const int64_t *a, const int64_t *b, int64_t *c) {
  for (int64_t i = 0; i < m; ++i)
    for (int64_t l = 0; l < k; ++l)
      for (int64_t j = 0; j < n; ++j)
        c[i * n + j] = static_cast<int64_t>(static_cast<uint64_t>(c[i * n + j]) +
                                            static_cast<uint64_t>(a[i * k + l]) *
                                                static_cast<uint64_t>(b[l * n + j]));
}

} // namespace

absl::StatusOr<Tensor> matmul(const Tensor &a, const Tensor &b) {
  if (a.kind != b.kind)
    return bad("operands must be of one kind");
  if (a.shape.empty() || b.shape.empty())
    return bad("operands must have a dimension");
  Shape as = a.shape, bs = b.shape;
  if (as.size() == 1)
    as.insert(as.begin(), 1);
  if (bs.size() == 1)
    bs.push_back(1);
  int64_t m = as[as.size() - 2], k = as.back(), n = bs.back();
  if (bs[bs.size() - 2] != k || !fitsBlas(m, n, k))
    return bad(absl::StrCat("inner sizes of ", shapeText(a.shape), " and ", shapeText(b.shape),
                            " differ"));
  Shape aBatch(as.begin(), as.end() - 2), bBatch(bs.begin(), bs.end() - 2);
  Shape batch(std::max(aBatch.size(), bBatch.size()), 1);
  for (size_t i = 0; i < batch.size(); ++i) {
    int64_t da = i < aBatch.size() ? aBatch[aBatch.size() - 1 - i] : 1;
    int64_t db = i < bBatch.size() ? bBatch[bBatch.size() - 1 - i] : 1;
    if (da != db && da != 1 && db != 1)
      return bad(absl::StrCat("batches of ", shapeText(a.shape), " and ", shapeText(b.shape),
                              " do not broadcast"));
    batch[batch.size() - 1 - i] = da == 1 ? db : da;
  }
  Shape shape = batch;
  if (a.shape.size() > 1)
    shape.push_back(m);
  if (b.shape.size() > 1)
    shape.push_back(n);
  Tensor y = a.kind == Kind::Float ? Tensor::floats(shape) : Tensor::integers(shape);
  int64_t total = count(batch);
  if (bBatch.empty() || count(bBatch) == 1) { // one weight for all rows
    if (a.kind == Kind::Float && fitsBlas(total * m, n, k)) {
      multiply(false, false, total * m, n, k, 1.0f, a.f.data(), b.f.data(), 0.0f, y.f.data());
      return y;
    }
  }
  for (int64_t index = 0; index < total; ++index) {
    // The operand's own batch index: axes of size 1 repeat.
    int64_t at[2] = {0, 0}, stride[2] = {1, 1}, rest = index;
    for (size_t i = 0; i < batch.size(); ++i) {
      int64_t digit = rest % batch[batch.size() - 1 - i];
      rest /= batch[batch.size() - 1 - i];
      const Shape *own[2] = {&aBatch, &bBatch};
      for (int o = 0; o < 2; ++o)
        if (i < own[o]->size()) {
          int64_t d = (*own[o])[own[o]->size() - 1 - i];
          at[o] += (d == 1 ? 0 : digit) * stride[o];
          stride[o] *= d;
        }
    }
    if (a.kind == Kind::Float)
      multiply(false, false, m, n, k, 1.0f, a.f.data() + at[0] * m * k, b.f.data() + at[1] * k * n,
               0.0f, y.f.data() + index * m * n);
    else
      multiply(m, n, k, a.i.data() + at[0] * m * k, b.i.data() + at[1] * k * n,
               y.i.data() + index * m * n);
  }
  return y;
}

absl::StatusOr<Tensor> gemm(const Tensor &a, const Tensor &b, const Tensor *c, float alpha,
                            float beta, bool transA, bool transB) {
  if (a.kind != Kind::Float || b.kind != Kind::Float || (c && c->kind != Kind::Float))
    return bad("operands must be float");
  if (a.shape.size() != 2 || b.shape.size() != 2)
    return bad("operands must be matrices");
  int64_t m = a.shape[transA], k = a.shape[!transA], n = b.shape[!transB];
  if (b.shape[transB] != k || !fitsBlas(m, n, k))
    return bad(absl::StrCat("inner sizes of ", shapeText(a.shape), " and ", shapeText(b.shape),
                            " differ"));
  Tensor y = Tensor::floats({m, n});
  bool add = c && beta != 0.0f;
  if (add) {
    auto start = broadcastTo(*c, y.shape);
    if (!start.ok())
      return start.status();
    y = *std::move(start);
  }
  multiply(transA, transB, m, n, k, alpha, a.f.data(), b.f.data(), add ? beta : 0.0f, y.f.data());
  return y;
}

absl::StatusOr<std::shared_ptr<const PackedMatrix>> packWeight(const Tensor &weight) {
  if (weight.kind != Kind::Float || weight.shape.size() != 2)
    return bad(absl::StrCat("weight ", shapeText(weight.shape), " must be a matrix of floats"));
  auto n = static_cast<size_t>(weight.shape[0]), k = static_cast<size_t>(weight.shape[1]);
  return std::make_shared<const PackedMatrix>(n, k, MatrixView{weight.f.data(), k},
                                              /*bIsTransposed=*/true);
}

absl::StatusOr<Tensor> linear(const Tensor &x, const PackedMatrix &weight, const Tensor *bias,
                              mlir::MLIRContext *context) {
  const size_t k = weight.depth, n = weight.columns;
  if (x.shape.empty() || static_cast<size_t>(x.shape.back()) != k)
    return bad(
        absl::StrCat("input ", shapeText(x.shape), " and weight [", n, ", ", k, "] do not fit"));
  if (x.kind != Kind::Float || (bias && bias->kind != Kind::Float))
    return bad("operands must be float");
  Shape shape = x.shape;
  shape.back() = static_cast<int64_t>(n);
  Tensor y = Tensor::floats(shape);
  const size_t m = n == 0 ? 0 : y.f.size() / n;
  if (bias) {
    if (bias->f.size() != n)
      return bad(
          absl::StrCat("bias ", shapeText(bias->shape), " does not fit weight [", n, ", ", k, "]"));
    for (size_t row = 0; row < m; ++row)
      std::copy(bias->f.begin(), bias->f.end(), y.f.begin() + row * n);
  }
  auto columns = [&](size_t from, size_t to) {
    addProduct(m, 1.0f, {x.f.data(), k}, weight, from, to, y.f.data(), n);
  };
  // A thread's share is worth the price of waking it.
  constexpr size_t kShare = 4 * kPanel, kWork = 1 << 20;
  if (!context || n <= kShare || m * k * n < 2 * kWork)
    columns(0, n);
  else
    mlir::parallelFor(context, 0, (n + kShare - 1) / kShare, [&](size_t share) {
      columns(share * kShare, std::min(n, (share + 1) * kShare));
    });
  return y;
}

absl::StatusOr<Tensor> einsum(absl::Span<const std::string> terms, const std::string &output,
                              absl::Span<const Tensor *const> operands) {
  if (terms.size() != operands.size() || operands.empty() || operands.size() > 2)
    return bad("einsum needs one or two operands");
  auto has = [](const std::string &term, char c) { return term.find(c) != std::string::npos; };
  // Sum out what neither the output nor the other operand has.
  std::vector<Tensor> values;
  std::vector<std::string> names;
  for (size_t o = 0; o < operands.size(); ++o) {
    if (terms[o].size() != operands[o]->shape.size())
      return bad(
          absl::StrCat("term \"", terms[o], "\" does not fit ", shapeText(operands[o]->shape)));
    std::vector<int64_t> axes;
    std::string kept;
    for (size_t i = 0; i < terms[o].size(); ++i) {
      bool wanted =
          has(output, terms[o][i]) || (operands.size() == 2 && has(terms[1 - o], terms[o][i]));
      if (wanted)
        kept.push_back(terms[o][i]);
      else
        axes.push_back(i);
    }
    names.push_back(kept);
    if (axes.empty()) {
      values.push_back(*operands[o]);
      continue;
    }
    auto summed = reduce(Reduction::Sum, *operands[o], axes, false);
    if (!summed.ok())
      return summed.status();
    values.push_back(*std::move(summed));
  }
  // Axes of `value` (called `name`) in the order of `order`.
  auto reorder = [](const Tensor &value, const std::string &name, const std::string &order) {
    std::vector<int64_t> perm;
    for (char c : order)
      perm.push_back(name.find(c));
    return transpose(value, perm);
  };
  if (operands.size() == 1)
    return reorder(values[0], names[0], output);

  std::string batch, inner, freeA, freeB;
  for (char c : names[0])
    (has(names[1], c) ? (has(output, c) ? batch : inner) : freeA).push_back(c);
  for (char c : names[1])
    if (!has(names[0], c))
      freeB.push_back(c);
  auto sizes = [&](const std::string &letters) {
    Shape shape;
    for (char c : letters) {
      int from = has(names[0], c) ? 0 : 1;
      shape.push_back(values[from].shape[names[from].find(c)]);
    }
    return shape;
  };
  auto a = reorder(values[0], names[0], batch + freeA + inner);
  auto b = reorder(values[1], names[1], batch + inner + freeB);
  if (!a.ok() || !b.ok())
    return a.ok() ? b.status() : a.status();
  int64_t nb = count(sizes(batch)), na = count(sizes(freeA)), ni = count(sizes(inner));
  int64_t nf = count(sizes(freeB));
  auto left = reshape(*std::move(a), {nb, na, ni});
  auto right = reshape(*std::move(b), {nb, ni, nf});
  if (!left.ok() || !right.ok())
    return left.ok() ? right.status() : left.status();
  auto product = matmul(*left, *right);
  if (!product.ok())
    return product;
  std::string order = batch + freeA + freeB;
  auto shaped = reshape(*std::move(product), sizes(order));
  if (!shaped.ok())
    return shaped;
  return reorder(*shaped, order, output);
}

} // namespace aac::interp
