//===- Validate.cpp - what makes a machine description sound --------------===//
//
// Two layers. The generic one walks the message and checks what machine.proto declares
// in field options: units, ranges, presence, sources. The second holds the rules that
// tie several fields together.
//
//===----------------------------------------------------------------------===//

#include "Proto.h"
#include "aac/Numerics/Cells.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include <cmath>
#include <set>

namespace aac {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::FieldOptions;
using google::protobuf::Message;
using google::protobuf::Reflection;

class Checker {
public:
  Checker(const Origins &origins, bool whole) : origins(origins), whole(whole) {}

  absl::Status check(const Message &message, const std::string &path) const {
    const Reflection &reflection = *message.GetReflection();
    const auto *descriptor = message.GetDescriptor();
    bool hasNumber = false;
    for (int i = 0; i != descriptor->field_count(); ++i) {
      const FieldDescriptor &field = *descriptor->field(i);
      std::string fieldPath = childPath(path, field.name());
      bool present = field.is_repeated() ? reflection.FieldSize(message, &field) != 0
                                         : reflection.HasField(message, &field);
      if (!present) {
        if (whole && !field.options().GetExtension(proto::may_be_absent))
          return fieldError(origins, fieldPath, "is missing; set it in the file or in its base");
        continue;
      }
      hasNumber |= field.cpp_type() == FieldDescriptor::CPPTYPE_INT64 ||
                   field.cpp_type() == FieldDescriptor::CPPTYPE_UINT64;
      if (absl::Status status = checkField(message, field, fieldPath); !status.ok())
        return status;
    }
    const FieldDescriptor *source = descriptor->FindFieldByName("source");
    if (hasNumber && source && !reflection.HasField(message, source))
      return fieldError(origins, childPath(path, "source"),
                        "is missing; say where the numbers beside it come from");
    return absl::OkStatus();
  }

private:
  absl::Status checkField(const Message &message, const FieldDescriptor &field,
                          const std::string &path) const {
    const Reflection &reflection = *message.GetReflection();
    const FieldOptions &options = field.options();
    switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_MESSAGE:
      if (field.is_repeated()) {
        for (int i = 0; i != reflection.FieldSize(message, &field); ++i) {
          const Message &element = reflection.GetRepeatedMessage(message, &field, i);
          // The path of the parent: `path` without the field's own name.
          std::string parent = path.size() == field.name().size()
                                   ? ""
                                   : path.substr(0, path.size() - field.name().size() - 1);
          if (absl::Status status = check(element, elementPath(parent, field, element, i));
              !status.ok())
            return status;
        }
        return absl::OkStatus();
      }
      if (field.message_type() == proto::Quantity::descriptor())
        return checkQuantity(
            static_cast<const proto::Quantity &>(reflection.GetMessage(message, &field)), options,
            path);
      return check(reflection.GetMessage(message, &field), path);
    case FieldDescriptor::CPPTYPE_STRING:
      if (absl::StripAsciiWhitespace(reflection.GetString(message, &field)).empty())
        return fieldError(origins, path, "is empty");
      return absl::OkStatus();
    case FieldDescriptor::CPPTYPE_INT64: {
      int64_t value = reflection.GetInt64(message, &field);
      int64_t min = options.GetExtension(proto::min), max = options.GetExtension(proto::max);
      if (value < min || value > max)
        return fieldError(origins, path,
                          absl::StrCat("is ", value, ", must be from ", min, " to ", max));
      int64_t multiple = options.GetExtension(proto::multiple_of);
      if (multiple != 0 && value % multiple != 0)
        return fieldError(origins, path,
                          absl::StrCat("is ", value, ", must be a multiple of ", multiple));
      return absl::OkStatus();
    }
    default:
      return absl::OkStatus();
    }
  }

  absl::Status checkQuantity(const proto::Quantity &quantity, const FieldOptions &options,
                             const std::string &path) const {
    auto error = [&](const std::string &what) { return fieldError(origins, path, what); };
    const std::string &unit = options.GetExtension(proto::unit);
    if (!quantity.has_unit())
      return error(absl::StrCat("has no unit; it must be \"", unit, "\""));
    if (quantity.unit() != unit)
      return error(absl::StrCat("has unit \"", quantity.unit(), "\", it must be \"", unit, "\""));
    if (absl::StripAsciiWhitespace(quantity.source()).empty())
      return error("has no source; a number without source is not used");
    if (!quantity.has_low() || !quantity.has_typical() || !quantity.has_high())
      return error("needs low, typical and high");
    for (double value : {quantity.low(), quantity.typical(), quantity.high()}) {
      if (!std::isfinite(value))
        return error(absl::StrCat("has the value ", value, ", it must be a finite number"));
      if (value < 0)
        return error(absl::StrCat("has the value ", value, ", it must not be negative"));
    }
    if (quantity.low() > quantity.typical() || quantity.typical() > quantity.high())
      return error(absl::StrCat("has low ", quantity.low(), ", typical ", quantity.typical(),
                                ", high ", quantity.high(), ", which are not in order"));
    if (options.GetExtension(proto::positive) && quantity.low() <= 0)
      return error("has low 0, it must be above zero");
    return absl::OkStatus();
  }

  const Origins &origins;
  bool whole;
};

/// Rules that tie fields of a complete machine together.
class MachineRules {
public:
  MachineRules(const proto::Machine &machine, const Origins &origins)
      : machine(machine), origins(origins) {}

  absl::Status check() const {
    if (absl::Status status = checkEngine(); !status.ok())
      return status;
    if (machine.tiers_size() > 16)
      return error("tiers", absl::StrCat("are ", machine.tiers_size(),
                                         ", at most 16 fit the "
                                         "instructions' tier field"));
    for (int i = 0; i != machine.tiers_size(); ++i)
      if (absl::Status status = checkTier(i); !status.ok())
        return status;
    if (absl::Status status = checkHomes(); !status.ok())
      return status;
    return checkPoints();
  }

private:
  absl::Status error(const std::string &path, const std::string &what) const {
    return fieldError(origins, path, what);
  }

  absl::Status checkEngine() const {
    const proto::EngineSizes &sizes = machine.engine().sizes();
    struct Rule {
      const char *field;
      int64_t value, published, corrected;
    };
    bool isPublished = machine.engine().semantics() == proto::Engine::PUBLISHED;
    if (!isPublished && machine.engine().semantics() != proto::Engine::CORRECTED)
      return error("engine.semantics", "must be PUBLISHED or CORRECTED");
    for (const Rule &rule :
         {Rule{"accumulator_bits", sizes.accumulator_bits(), 16, 32},
          Rule{"accumulator_fraction_bits", sizes.accumulator_fraction_bits(), 12, 12},
          Rule{"sfu_bits", sizes.sfu_bits(), 16, 20},
          Rule{"sfu_fraction_bits", sizes.sfu_fraction_bits(), 10, 14}}) {
      int64_t expected = isPublished ? rule.published : rule.corrected;
      if (rule.value != expected)
        return error(absl::StrCat("engine.sizes.", rule.field),
                     absl::StrCat("is ", rule.value, ", but semantics ",
                                  isPublished ? "PUBLISHED" : "CORRECTED", " is defined for ",
                                  expected));
    }
    if (machine.engine().timing().beat_bytes() > 16 ||
        16 % machine.engine().timing().beat_bytes() != 0)
      return error("engine.timing.beat_bytes",
                   absl::StrCat("is ", machine.engine().timing().beat_bytes(),
                                ", must divide the 16 bytes of a row"));
    return absl::OkStatus();
  }

  std::string tierPath(const proto::Tier &tier, absl::string_view field) const {
    return absl::StrCat("tiers[", tier.name(), "].", field);
  }

  absl::Status checkTier(int index) const {
    const proto::Tier &tier = machine.tiers(index);
    if (!isIdentifier(tier.name()))
      return error(tierPath(tier, "name"),
                   absl::StrCat("is \"", tier.name(),
                                "\", must be lower-case letters, digits and _, a letter first"));
    if (tier.technology() != proto::Tier::SRAM && tier.technology() != proto::Tier::RRAM &&
        tier.technology() != proto::Tier::DRAM)
      return error(tierPath(tier, "technology"), "must be SRAM, RRAM or DRAM");
    constexpr uint64_t mapSize = uint64_t{1} << 32;
    if (tier.capacity() == 0 || tier.capacity() % 16 != 0)
      return error(tierPath(tier, "capacity"),
                   absl::StrCat("is ", tier.capacity(), ", must be a multiple of 16 above 0"));
    if (tier.base_address() % 16 != 0)
      return error(tierPath(tier, "base_address"),
                   absl::StrCat("is ", tier.base_address(), ", must be a multiple of 16"));
    if (tier.base_address() >= mapSize || tier.capacity() > mapSize - tier.base_address())
      return error(tierPath(tier, "capacity"),
                   absl::StrCat("is ", tier.capacity(), " from address ", tier.base_address(),
                                ", which ends past the 32-bit map"));
    for (int i = 0; i != index; ++i) {
      const proto::Tier &other = machine.tiers(i);
      if (other.name() == tier.name())
        return error(tierPath(tier, "name"), "is the name of two tiers");
      if (tier.base_address() < other.base_address() + other.capacity() &&
          other.base_address() < tier.base_address() + tier.capacity())
        return error(tierPath(tier, "base_address"),
                     absl::StrCat("is ", tier.base_address(), " with ", tier.capacity(),
                                  " bytes, which overlaps tier '", other.name(), "' at ",
                                  other.base_address(), " with ", other.capacity()));
    }

    bool isRram = tier.technology() == proto::Tier::RRAM;
    bool isSram = tier.technology() == proto::Tier::SRAM;
    if (!isRram && tier.bits_per_cell() != 1)
      return error(tierPath(tier, "bits_per_cell"),
                   absl::StrCat("is ", tier.bits_per_cell(), ", only RRAM has more than 1"));
    if (tier.persistent() == isSram)
      return error(tierPath(tier, "persistent"),
                   isSram ? "is true, but SRAM has no image in the stream"
                          : "is false, but RRAM and DRAM have an image in the stream");
    if (tier.cell_error_rate().high() > 1)
      return error(
          tierPath(tier, "cell_error_rate"),
          absl::StrCat("is up to ", tier.cell_error_rate().high(), ", a probability is at most 1"));
    if (tier.has_cell_levels())
      if (absl::Status levels = checkLevels(tier); !levels.ok())
        return levels;
    if (tier.has_cell_order() && !isRram)
      return error(tierPath(tier, "cell_order"), "is set, only RRAM has cells to order");
    if (absl::Status order = checkCellOrder(tier.cell_order()); !order.ok())
      return error(tierPath(tier, "cell_order"), std::string(order.message()));
    std::set<int> kinds;
    for (int kind : tier.allows()) {
      if (!proto::Tier::DataKind_IsValid(kind) || kind == proto::Tier::DATA_KIND_UNSPECIFIED)
        return error(tierPath(tier, "allows"),
                     "must name BACKBONE, TASK, ACTIVATION or INACTIVE_TASK");
      if (!kinds.insert(kind).second)
        return error(
            tierPath(tier, "allows"),
            absl::StrCat("names ",
                         proto::Tier::DataKind_Name(static_cast<proto::Tier::DataKind>(kind)),
                         " twice"));
    }
    if (isRram && kinds.count(proto::Tier::ACTIVATION))
      return error(tierPath(tier, "allows"),
                   "names ACTIVATION, but every inference would wear out RRAM");
    if (isSram && kinds.count(proto::Tier::INACTIVE_TASK))
      return error(tierPath(tier, "allows"),
                   "names INACTIVE_TASK, but inactive tasks rest in a memory with an image");
    return absl::OkStatus();
  }

  /// Errors of the levels of a cell: a probability for each, whose mean is the cell's.
  absl::Status checkLevels(const proto::Tier &tier) const {
    const proto::CellLevels &levels = tier.cell_levels();
    std::string path = tierPath(tier, "cell_levels");
    int count = 1 << tier.bits_per_cell();
    if (tier.technology() != proto::Tier::RRAM)
      return error(path, "is set, only RRAM has cells of several levels");
    if (levels.down_size() != count || levels.up_size() != count)
      return error(path, absl::StrCat("has ", levels.down_size(), " down and ", levels.up_size(),
                                      " up, cells of ", tier.bits_per_cell(), " bits have ", count,
                                      " levels"));
    double sum = 0;
    for (int i = 0; i != count; ++i) {
      double down = levels.down(i), up = levels.up(i);
      if (!(down >= 0 && up >= 0 && down + up <= 1))
        return error(path, absl::StrCat("level ", i, " has ", down, " down and ", up,
                                        " up, which are no probabilities"));
      sum += down + up;
    }
    if (levels.down(0) != 0 || levels.up(count - 1) != 0)
      return error(path, "the lowest level goes down or the highest up: there is no level there");
    double rate = tier.cell_error_rate().typical();
    if (std::fabs(sum / count - rate) > 0.05 * rate)
      return error(path, absl::StrCat("has a mean of ", sum / count, " over its levels, but ",
                                      "cell_error_rate is ", rate));
    return absl::OkStatus();
  }

  /// Every kind of data has a tier.
  absl::Status checkHomes() const {
    for (proto::Tier::DataKind kind : {proto::Tier::BACKBONE, proto::Tier::TASK,
                                       proto::Tier::ACTIVATION, proto::Tier::INACTIVE_TASK}) {
      bool found = false;
      for (const proto::Tier &tier : machine.tiers())
        for (int allowed : tier.allows())
          found |= allowed == kind;
      if (!found)
        return error("tiers", absl::StrCat("none allows ", proto::Tier::DataKind_Name(kind)));
    }
    return absl::OkStatus();
  }

  absl::Status checkPoints() const {
    if (machine.points_size() > 16)
      return error("points", absl::StrCat("are ", machine.points_size(),
                                          ", at most 16 fit the "
                                          "instructions' point field"));
    if (machine.points_size() == 0)
      return absl::OkStatus();
    const proto::OperatingPoint &first = machine.points(0);
    if (first.energy_ratio().typical() != 1)
      return error("points[0].energy_ratio",
                   absl::StrCat("is ", first.energy_ratio().typical(),
                                ", must be 1: others are relative to it"));
    if (first.clock().typical() != machine.engine().clock().typical())
      return error("points[0].clock",
                   absl::StrCat("is ", first.clock().typical(), ", but engine.clock is ",
                                machine.engine().clock().typical()));
    return absl::OkStatus();
  }

  static bool isIdentifier(absl::string_view name) {
    if (name.empty() || !absl::ascii_islower(name.front()))
      return false;
    for (char c : name)
      if (!absl::ascii_islower(c) && !absl::ascii_isdigit(c) && c != '_')
        return false;
    return true;
  }

  const proto::Machine &machine;
  const Origins &origins;
};

} // namespace

absl::Status validateFile(const proto::Machine &message, const Origins &origins) {
  return Checker(origins, /*whole=*/false).check(message, "");
}

absl::Status validateResolved(const proto::Machine &message, const Origins &origins) {
  if (absl::Status status = Checker(origins, /*whole=*/true).check(message, ""); !status.ok())
    return status;
  return MachineRules(message, origins).check();
}

} // namespace aac
