//===- InferProducts.cpp - results of MatMul, Gemm and Einsum -------------===//
#include "InferRules.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace aac::onnx {
using namespace infer;

namespace {

/// Letters for the axes of the ellipses of `terms`, the same from the last one on: as many as the
/// longest has. Nothing when a term has more indices than its operand axes.
std::optional<std::string> ellipsisLetters(ArrayRef<StringRef> terms, OperandRange operands,
                                           StringRef used) {
  int64_t most = 0;
  for (auto [term, operand] : llvm::zip_equal(terms, operands)) {
    if (!term.contains("..."))
      continue;
    auto type = dyn_cast<RankedTensorType>(operand.getType());
    int64_t axes = type ? type.getRank() - static_cast<int64_t>(term.size()) + 3 : -1;
    if (axes < 0)
      return std::nullopt;
    most = std::max(most, axes);
  }
  std::string letters;
  for (char c = 'A'; c <= 'z' && static_cast<int64_t>(letters.size()) < most; ++c)
    if (llvm::isAlpha(c) && !used.contains(c))
      letters.push_back(c);
  return static_cast<int64_t>(letters.size()) == most ? std::optional(letters) : std::nullopt;
}

} // namespace

std::optional<EinsumTerms> parseEinsum(EinsumOp op, std::string &why) {
  StringRef equation = op.getEquation();
  size_t operands = op.getInputs().size();
  auto fail = [&](const Twine &message) {
    why = ("equation " + quoted(equation) + " " + message).str();
    return std::nullopt;
  };
  std::string packed;
  for (char c : equation)
    if (c != ' ')
      packed.push_back(c);
  StringRef text = packed;
  EinsumTerms terms;
  size_t arrow = text.find("->");
  SmallVector<StringRef> parts;
  text.take_front(arrow).split(parts, ',');
  if (parts.size() != operands)
    return fail("has " + Twine(parts.size()) + " terms for " + Twine(operands) + " operands");
  if (operands > 2)
    return fail("has more than two operands, which is not supported");
  std::optional<std::string> hidden = ellipsisLetters(parts, op.getInputs(), text);
  if (!hidden)
    return fail("has an ellipsis that does not fit the ranks of its operands");
  // The last ones of the hidden letters in the place of an ellipsis.
  auto written = [&](StringRef term, size_t count) {
    auto [before, after] = term.split("...");
    return term.contains("...") ? (before + StringRef(*hidden).take_back(count) + after).str()
                                : term.str();
  };
  std::string all;
  for (auto [part, operand] : llvm::zip_equal(parts, op.getInputs())) {
    auto type = dyn_cast<RankedTensorType>(operand.getType());
    terms.inputs.push_back(written(part, type ? type.getRank() + 3 - part.size() : 0));
    all += terms.inputs.back();
  }
  auto checkTerm = [&](StringRef term) {
    for (char c : term)
      if (!llvm::isAlpha(c) || term.count(c) != 1)
        return false;
    return true;
  };
  for (StringRef term : terms.inputs)
    if (!checkTerm(term))
      return fail("has term " + quoted(term) + ", which is not letters that differ");
  if (arrow == StringRef::npos) { // the ellipsis, indices that occur once in alphabetical order
    std::string sorted = all;
    llvm::sort(sorted);
    terms.output = *hidden;
    for (char c : sorted)
      if (StringRef(sorted).count(c) == 1 && hidden->find(c) == std::string::npos)
        terms.output.push_back(c);
  } else {
    StringRef output = text.drop_front(arrow + 2);
    if (output.contains("...") != text.take_front(arrow).contains("..."))
      return fail("has an ellipsis on one side of its arrow only");
    terms.output = written(output, hidden->size());
  }
  if (!checkTerm(terms.output))
    return fail("has output " + quoted(terms.output) + ", which is not letters that differ");
  for (char c : terms.output)
    if (!StringRef(all).contains(c))
      return fail("has the output index '" + Twine(c) + "', which no input has");
  return terms;
}

Inference infer::matMul(MatMulOp op) {
  auto a = typeOf(op.getA()), b = typeOf(op.getB());
  if (a.getElementType() != b.getElementType())
    return invalid("element types differ: " + str(a) + " and " + str(b));
  if (a.getRank() == 0 || b.getRank() == 0)
    return invalid("operands must have a dimension, got " + str(a) + " and " + str(b));
  Shape as(a.getShape()), bs(b.getShape());
  if (as.size() == 1)
    as.insert(as.begin(), 1);
  if (bs.size() == 1)
    bs.push_back(1);
  if (as.back() != bs[bs.size() - 2])
    return invalid("inner sizes of " + str(a) + " and " + str(b) + " differ: " + Twine(as.back()) +
                   " and " + Twine(bs[bs.size() - 2]));
  auto shape = broadcastShapes(ArrayRef(as).drop_back(2), ArrayRef(bs).drop_back(2));
  if (!shape)
    return invalid("batches of " + str(a) + " and " + str(b) + " do not broadcast");
  if (a.getRank() > 1)
    shape->push_back(as[as.size() - 2]);
  if (b.getRank() > 1)
    shape->push_back(bs.back());
  return tensor(*shape, a.getElementType());
}

Inference infer::gemm(GemmOp op) {
  auto a = typeOf(op.getA()), b = typeOf(op.getB());
  if (a.getRank() != 2 || b.getRank() != 2)
    return invalid("operands must be matrices, got " + str(a) + " and " + str(b));
  if (a.getElementType() != b.getElementType())
    return invalid("element types differ: " + str(a) + " and " + str(b));
  for (auto [name, factor] : {std::pair("alpha", op.getAlpha()), {"beta", op.getBeta()}})
    if (!factor.isFinite())
      return invalid(Twine(name) + " must be finite");
  bool ta = op.getTransA() != 0, tb = op.getTransB() != 0;
  if (a.getShape()[ta ? 0 : 1] != b.getShape()[tb ? 1 : 0])
    return invalid("inner sizes of " + str(a) + " and " + str(b) + " differ");
  Shape shape{a.getShape()[ta ? 1 : 0], b.getShape()[tb ? 0 : 1]};
  if (!isAbsent(op.getC())) {
    auto joined = broadcastShapes(shape, shapeOf(op.getC()));
    if (!joined || *joined != shape)
      return invalid("c " + str(op.getC().getType()) + " does not broadcast to " + str(shape));
    if (typeOf(op.getC()).getElementType() != a.getElementType())
      return invalid("element types differ: " + str(a) + " and " + str(op.getC().getType()));
  }
  return tensor(shape, a.getElementType());
}

Inference infer::einsum(EinsumOp op) {
  std::string why;
  auto terms = parseEinsum(op, why);
  if (!terms)
    return invalid(why);
  int64_t sizes[256] = {};
  bool seen[256] = {};
  for (auto [term, operand] : llvm::zip_equal(terms->inputs, op.getInputs())) {
    auto type = typeOf(operand);
    if (type.getRank() != static_cast<int64_t>(term.size()))
      return invalid("term \"" + term + "\" names " + Twine(term.size()) + " indices, operand is " +
                     str(type));
    if (type.getElementType() != typeOf(op.getInputs()[0]).getElementType())
      return invalid("element types differ");
    for (auto [letter, size] : llvm::zip_equal(term, type.getShape())) {
      auto index = static_cast<unsigned char>(letter);
      if (seen[index] && sizes[index] != size)
        return invalid("index '" + Twine(letter) + "' is " + Twine(sizes[index]) + " and " +
                       Twine(size));
      seen[index] = true;
      sizes[index] = size;
    }
  }
  Shape shape;
  for (char letter : terms->output)
    shape.push_back(sizes[static_cast<unsigned char>(letter)]);
  return tensor(shape, typeOf(op.getInputs()[0]).getElementType());
}

} // namespace aac::onnx
