//===- Proto.h - the message behind a machine -------------------*- C++ -*-===//
//
// Internal to lib/Machine: the steps from files to a validated message.
//
//===----------------------------------------------------------------------===//
#ifndef AAC_LIB_MACHINE_PROTO_H
#define AAC_LIB_MACHINE_PROTO_H

#include "aac/Machine/machine.pb.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include <string>
#include <vector>

namespace aac {

/// Where each field of a message was written: its path, `tiers[rram].capacity`, to
/// `file:line`. Errors cite it.
struct Origins {
  std::string file; ///< for fields that nobody wrote
  absl::flat_hash_map<std::string, std::string> places;
  /// The place of `path`, or of what encloses it, or the file.
  std::string of(absl::string_view path) const;
};

/// `file:line: path: what`.
absl::Status fieldError(const Origins &origins, absl::string_view path, absl::string_view what);

/// Path of field `name` inside `parent`, which is empty for the message itself.
std::string childPath(absl::string_view parent, absl::string_view name);
/// Path of element `index` of the repeated message field `field` of `parent`: by the
/// element's name if it has one, else by number.
std::string elementPath(absl::string_view parent, const google::protobuf::FieldDescriptor &field,
                        const google::protobuf::Message &element, int index);

/// Parses one file's text. Fills `origins`.
absl::StatusOr<proto::Machine> parseText(absl::string_view text, absl::string_view fileName,
                                         Origins &origins);

/// Loads a file with all that it inherits.
absl::StatusOr<proto::Machine> loadInherited(const std::string &file,
                                             const std::vector<std::string> &searchPath,
                                             Origins &origins);
/// The file that `nameOrPath` means, seen from directory `directory` (may be empty).
absl::StatusOr<std::string> locateMachine(absl::string_view nameOrPath, absl::string_view directory,
                                          const std::vector<std::string> &searchPath);

/// Checks what one file says by itself: quantities whole and in order, numbers in range
/// and with sources. Nothing needs to be there.
absl::Status validateFile(const proto::Machine &message, const Origins &origins);
/// Checks a resolved machine: every field there, and the fields consistent.
absl::Status validateResolved(const proto::Machine &message, const Origins &origins);

} // namespace aac

#endif // AAC_LIB_MACHINE_PROTO_H
