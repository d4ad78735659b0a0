//===- LayoutKernels.cpp - kernels that move elements ---------------------===//
#include "Strides.h"

#include "absl/strings/str_join.h"

namespace aac::interp {

std::string shapeText(absl::Span<const int64_t> shape) {
  return absl::StrCat("[", absl::StrJoin(shape, ", "), "]");
}

absl::StatusOr<int64_t> resolve(int64_t axis, int64_t rank) {
  if (axis < -rank || axis >= rank)
    return bad(absl::StrCat("axis ", axis, " is outside rank ", rank));
  return axis < 0 ? axis + rank : axis;
}

Shape stridesOf(absl::Span<const int64_t> shape) {
  Shape strides(shape.size());
  int64_t stride = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    strides[i] = stride;
    stride *= shape[i];
  }
  return strides;
}

absl::StatusOr<Shape> broadcast(absl::Span<const int64_t> a, absl::Span<const int64_t> b) {
  Shape shape(std::max(a.size(), b.size()), 1);
  for (size_t i = 0; i < shape.size(); ++i) {
    int64_t da = i < a.size() ? a[a.size() - 1 - i] : 1;
    int64_t db = i < b.size() ? b[b.size() - 1 - i] : 1;
    if (da != db && da != 1 && db != 1)
      return bad(absl::StrCat("shapes ", shapeText(a), " and ", shapeText(b), " do not broadcast"));
    shape[shape.size() - 1 - i] = da == 1 ? db : da;
  }
  return shape;
}

Shape broadcastStrides(absl::Span<const int64_t> from, absl::Span<const int64_t> to) {
  Shape own = stridesOf(from), strides(to.size(), 0);
  size_t lead = to.size() - from.size();
  for (size_t i = 0; i < from.size(); ++i)
    strides[lead + i] = from[i] == 1 ? 0 : own[i];
  return strides;
}

Tensor copyStrided(const Tensor &x, Shape shape, const Shape &strides, int64_t base) {
  Shape dims = shape;
  return likeWithShape(x, std::move(shape), [&](const auto &in, auto &out) {
    const Shape all[1] = {strides};
    forEachRow(dims, all, [&](int64_t o, const int64_t *at, int64_t n, const int64_t *step) {
      auto source = in.begin() + base + at[0];
      if (step[0] == 1)
        std::copy(source, source + n, out.begin() + o);
      else
        for (int64_t i = 0; i < n; ++i)
          out[o + i] = source[i * step[0]];
    });
  });
}

absl::StatusOr<Tensor> reshape(Tensor x, Shape shape) {
  if (count(shape) != x.size())
    return bad(absl::StrCat(shapeText(x.shape), " cannot have shape ", shapeText(shape)));
  x.shape = std::move(shape);
  return x;
}

absl::StatusOr<Tensor> transpose(const Tensor &x, absl::Span<const int64_t> perm) {
  Shape own = stridesOf(x.shape), shape, strides;
  std::vector<bool> seen(x.shape.size(), false);
  for (int64_t axis : perm) {
    if (axis < 0 || axis >= static_cast<int64_t>(x.shape.size()) || seen[axis])
      return bad(absl::StrCat("perm ", shapeText(perm), " is no permutation of ", x.shape.size(),
                              " axes"));
    seen[axis] = true;
    shape.push_back(x.shape[axis]);
    strides.push_back(own[axis]);
  }
  if (perm.size() != x.shape.size())
    return bad(
        absl::StrCat("perm ", shapeText(perm), " is no permutation of ", x.shape.size(), " axes"));
  return copyStrided(x, std::move(shape), strides);
}

absl::StatusOr<Tensor> broadcastTo(const Tensor &x, absl::Span<const int64_t> shape) {
  auto joined = broadcast(x.shape, shape);
  if (!joined.ok() || absl::MakeConstSpan(*joined) != shape)
    return bad(absl::StrCat(shapeText(x.shape), " does not broadcast to ", shapeText(shape)));
  if (absl::MakeConstSpan(x.shape) == shape)
    return x;
  return copyStrided(x, *joined, broadcastStrides(x.shape, shape));
}

absl::StatusOr<Tensor> gather(const Tensor &data, const Tensor &indices, int64_t axis) {
  if (indices.kind != Kind::Integer)
    return bad("indices must be integers");
  auto at = resolve(axis, data.shape.size());
  if (!at.ok())
    return at.status();
  int64_t size = data.shape[*at], inner = count(absl::MakeSpan(data.shape).subspan(*at + 1));
  int64_t outer = count(absl::MakeSpan(data.shape).subspan(0, *at));
  Shape shape(data.shape.begin(), data.shape.begin() + *at);
  shape.insert(shape.end(), indices.shape.begin(), indices.shape.end());
  shape.insert(shape.end(), data.shape.begin() + *at + 1, data.shape.end());
  std::vector<int64_t> rows;
  for (int64_t index : indices.i) {
    if (index < -size || index >= size)
      return bad(absl::StrCat("index ", index, " is outside the ", size, " entries of axis ", *at));
    rows.push_back(index < 0 ? index + size : index);
  }
  return likeWithShape(data, std::move(shape), [&](const auto &in, auto &out) {
    auto to = out.begin();
    for (int64_t o = 0; o < outer; ++o)
      for (int64_t row : rows) {
        auto from = in.begin() + (o * size + row) * inner;
        to = std::copy(from, from + inner, to);
      }
  });
}

absl::StatusOr<Tensor> slice(const Tensor &x, absl::Span<const int64_t> starts,
                             absl::Span<const int64_t> steps, absl::Span<const int64_t> counts) {
  size_t rank = x.shape.size();
  if (starts.size() != rank || steps.size() != rank || counts.size() != rank)
    return bad(absl::StrCat("a slice of ", shapeText(x.shape), " needs ", rank, " ranges"));
  Shape own = stridesOf(x.shape), strides;
  int64_t base = 0;
  for (size_t i = 0; i < rank; ++i) {
    int64_t last = counts[i] > 0 ? starts[i] + (counts[i] - 1) * steps[i] : starts[i];
    if (counts[i] < 0 || (counts[i] > 0 && (starts[i] < 0 || starts[i] >= x.shape[i] || last < 0 ||
                                            last >= x.shape[i])))
      return bad(absl::StrCat("elements ", starts[i], " to ", last, " are outside the ", x.shape[i],
                              " of axis ", i));
    base += counts[i] > 0 ? starts[i] * own[i] : 0;
    strides.push_back(counts[i] > 1 ? own[i] * steps[i] : 0); // a step may be any number
  }
  return copyStrided(x, Shape(counts.begin(), counts.end()), strides, base);
}

absl::StatusOr<Tensor> concat(absl::Span<const Tensor *const> parts, int64_t axis) {
  if (parts.empty())
    return bad("nothing to concatenate");
  const Tensor &first = *parts.front();
  auto at = resolve(axis, first.shape.size());
  if (!at.ok())
    return at.status();
  Shape shape = first.shape;
  shape[*at] = 0;
  for (const Tensor *part : parts) {
    Shape like = part->shape;
    if (part->kind == first.kind && like.size() == shape.size())
      like[*at] = first.shape[*at];
    if (part->kind != first.kind || like != first.shape)
      return bad(absl::StrCat("parts ", shapeText(first.shape), " and ", shapeText(part->shape),
                              " do not fit along axis ", *at));
    shape[*at] += part->shape[*at];
  }
  int64_t outer = count(absl::MakeSpan(shape).subspan(0, *at));
  int64_t inner = count(absl::MakeSpan(shape).subspan(*at + 1));
  Tensor y = first.kind == Kind::Float ? Tensor::floats(shape) : Tensor::integers(shape);
  auto copy = [&](auto member) {
    auto to = (y.*member).begin();
    for (int64_t o = 0; o < outer; ++o)
      for (const Tensor *part : parts) {
        int64_t run = part->shape[*at] * inner;
        auto from = (part->*member).begin() + o * run;
        to = std::copy(from, from + run, to);
      }
  };
  if (first.kind == Kind::Float)
    copy(&Tensor::f);
  else
    copy(&Tensor::i);
  return y;
}

absl::StatusOr<Tensor> tile(const Tensor &x, absl::Span<const int64_t> repeats) {
  if (repeats.size() != x.shape.size())
    return bad(absl::StrCat("repeats ", shapeText(repeats), " do not fit ", shapeText(x.shape)));
  // [r0, d0, r1, d1, ...] with stride 0 along each r.
  Shape own = stridesOf(x.shape), split, strides, shape;
  for (size_t i = 0; i < repeats.size(); ++i) {
    if (repeats[i] < 0)
      return bad(absl::StrCat("repeats ", shapeText(repeats), " are negative"));
    split.insert(split.end(), {repeats[i], x.shape[i]});
    strides.insert(strides.end(), {0, own[i]});
    shape.push_back(repeats[i] * x.shape[i]);
  }
  Tensor y = copyStrided(x, std::move(split), strides);
  y.shape = std::move(shape);
  return y;
}

} // namespace aac::interp
