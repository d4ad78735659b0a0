//===- Messages.h - names of a file in messages -----------------*- C++ -*-===//
#ifndef AAC_LIB_IMPORT_ONNX_MESSAGES_H
#define AAC_LIB_IMPORT_ONNX_MESSAGES_H

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include <string>

namespace aac::onnx {

inline absl::Status bad(absl::string_view message) { return absl::InvalidArgumentError(message); }

/// Text of a file for a message: control characters escaped, at most 200 characters.
inline std::string escaped(const std::string &text) {
  return absl::StrCat(absl::CHexEscape(text.substr(0, 200)), text.size() > 200 ? "..." : "");
}

/// The same in quotes: a name.
inline std::string quoted(const std::string &name) {
  return absl::StrCat("\"", escaped(name), "\"");
}

} // namespace aac::onnx

#endif // AAC_LIB_IMPORT_ONNX_MESSAGES_H
