//===- Arguments.cpp - sources and bindings of the command line -----------===//
#include "aac/Import/ONNX.h"

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace aac::onnx {
namespace {

absl::Status bad(absl::string_view message) { return absl::InvalidArgumentError(message); }

bool isTaskName(absl::string_view name) {
  for (char c : name)
    if (!absl::ascii_isalnum(c) && c != '_' && c != '-' && c != '.')
      return false;
  return !name.empty();
}

/// "1x128"; nothing when it is not that.
bool parseShape(absl::string_view text, std::vector<int64_t> &shape) {
  for (absl::string_view part : absl::StrSplit(text, 'x')) {
    int64_t size;
    if (part.empty() || !absl::ascii_isdigit(part[0]) || !absl::SimpleAtoi(part, &size) || size < 1)
      return false;
    shape.push_back(size);
  }
  return true;
}

} // namespace

absl::StatusOr<Source> parseSource(absl::string_view text) {
  Source source;
  size_t equals = text.find('=');
  if (equals != absl::string_view::npos && isTaskName(text.substr(0, equals))) {
    source.task = std::string(text.substr(0, equals));
    source.path = std::string(text.substr(equals + 1));
  } else {
    source.path = std::string(text);
    absl::string_view stem = text.substr(text.find_last_of('/') + 1);
    stem = stem.substr(0, stem.rfind('.'));
    source.task = text == "-" ? "model" : std::string(stem);
  }
  if (source.path.empty())
    return bad(absl::StrCat("\"", text, "\" names no file: write TASK=PATH"));
  if (!isTaskName(source.task))
    return bad(absl::StrCat(
        "\"", source.task, "\" is no task name (letters, digits, '_', '-', '.'): write TASK=PATH"));
  return source;
}

absl::StatusOr<std::vector<Binding>> parseBindings(absl::string_view text) {
  std::vector<Binding> bindings;
  for (absl::string_view part : absl::StrSplit(text, ',')) {
    // The size stands behind the last '=' or, without one, behind the last ':'. Names of
    // values may contain ':' themselves.
    size_t split = part.rfind('=');
    if (split == absl::string_view::npos)
      split = part.rfind(':');
    Binding binding;
    if (split == absl::string_view::npos || split == 0 ||
        !parseShape(part.substr(split + 1), binding.shape))
      return bad(absl::StrCat("cannot read the binding \"", part,
                              "\": write [TASK:]INPUT=DxD or SYMBOL=N, sizes from 1"));
    binding.name = std::string(part.substr(0, split));
    bindings.push_back(std::move(binding));
  }
  return bindings;
}

} // namespace aac::onnx
