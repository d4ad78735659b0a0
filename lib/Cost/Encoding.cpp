//===- Encoding.cpp - what each parameter takes, as text and JSON ---------===//
#include "aac/Cost/Encoding.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace aac::cost {

using nlohmann::ordered_json;

double EncodedTensor::storedBits() const {
  return weights ? 8.0 * static_cast<double>(storedBytes) / static_cast<double>(weights) : 0;
}

double EncodedTensor::ratio() const { return entropyBits > 0 ? storedBits() / entropyBits : 0; }

namespace {

std::string row(absl::string_view name, absl::string_view form, size_t formatWidth,
                const EncodedTensor &t) {
  return absl::StrFormat(
      "  %-40s %-8s %-*s %10d %10d %10d %10d %6.1f%% %9d %6.2f %6.2f %6s\n", name, form,
      static_cast<int>(formatWidth), t.format, t.denseBytes, t.maskBytes, t.dataBytes,
      t.storedBytes,
      t.weights ? 100.0 * static_cast<double>(t.zeros) / static_cast<double>(t.weights) : 0,
      t.nullVectors, t.entropyBits, t.storedBits(),
      t.ratio() > 0 ? absl::StrFormat("%.2f", t.ratio()) : "-");
}

/// Adds `more` to `sum`; entropies weigh by their weights.
void add(EncodedTensor &sum, const EncodedTensor &more) {
  double bits = sum.entropyBits * static_cast<double>(sum.weights) +
                more.entropyBits * static_cast<double>(more.weights);
  sum.weights += more.weights;
  sum.zeros += more.zeros;
  sum.vectors += more.vectors;
  sum.nullVectors += more.nullVectors;
  sum.engineVectors += more.engineVectors;
  sum.engineNullVectors += more.engineNullVectors;
  sum.denseBytes += more.denseBytes;
  sum.maskBytes += more.maskBytes;
  sum.dataBytes += more.dataBytes;
  sum.scaleBytes += more.scaleBytes;
  sum.storedBytes += more.storedBytes;
  sum.paddingBytes += more.paddingBytes;
  sum.tileRows = std::max(sum.tileRows, more.tileRows);
  sum.entropyBits = sum.weights ? bits / static_cast<double>(sum.weights) : 0;
}

/// A name without control characters. The end of a long one says more than its beginning.
std::string shortened(const std::string &original) {
  constexpr size_t kWidth = 40;
  std::string name = absl::CHexEscape(original);
  return name.size() <= kWidth ? name : ".." + name.substr(name.size() - (kWidth - 2));
}

absl::string_view formOf(const EncodedTensor &tensor) {
  return !tensor.isStored ? "codes" : tensor.dense ? "dense" : "bit-mask";
}

std::string decibels(double value) {
  return std::isfinite(value) ? absl::StrFormat("%.1f dB", value) : "no error";
}

} // namespace

std::string printEncodingText(const Encoding &encoding) {
  std::string out =
      "Encoding (bytes; bits a weight: order-0 entropy H0, stored, and their ratio)\n";
  size_t formatWidth = 6;
  for (const EncodedTensor &tensor : encoding.tensors)
    formatWidth = std::max(formatWidth, tensor.format.size());
  absl::StrAppendFormat(&out, "  %-40s %-8s %-*s %10s %10s %10s %10s %7s %9s %6s %6s %6s\n",
                        "tensor", "form", static_cast<int>(formatWidth), "format", "dense", "mask",
                        "data", "stored", "zeros", "null vec", "H0", "stored", "ratio");
  EncodedTensor all;
  int64_t notStored = 0;
  std::vector<std::pair<std::string, EncodedTensor>> tasks;
  for (const EncodedTensor &tensor : encoding.tensors) {
    add(all, tensor);
    notStored += !tensor.isStored;
    if (tensor.sharing != "task" || tensor.tasks.size() != 1) {
      out += row(shortened(tensor.name), formOf(tensor), formatWidth, tensor);
      continue;
    }
    auto mine = std::find_if(tasks.begin(), tasks.end(),
                             [&](const auto &entry) { return entry.first == tensor.tasks[0]; });
    if (mine == tasks.end())
      mine = tasks.insert(mine, {tensor.tasks[0], {}});
    add(mine->second, tensor);
  }
  for (const auto &[task, sum] : tasks)
    out += row("task " + task, "", formatWidth, sum);
  out += row("all", "", formatWidth, all);
  if (all.engineVectors > 0)
    absl::StrAppendFormat(
        &out,
        "  the engine reads weights as %d vectors, biases and padding among them; "
        "%d are zeros (%.2f%%), which it can skip\n",
        all.engineVectors, all.engineNullVectors,
        100.0 * static_cast<double>(all.engineNullVectors) /
            static_cast<double>(all.engineVectors));
  if (notStored > 0)
    absl::StrAppendFormat(&out,
                          "  not stored: %d tensors, for analysis; sizes are those of dense codes "
                          "and of %d bytes of scales\n",
                          notStored, all.scaleBytes);
  if (all.paddingBytes > 0)
    absl::StrAppendFormat(
        &out,
        "  of data, %d bytes are padding of lanes: masks and data start anew every "
        "%d output features or fewer\n",
        all.paddingBytes, all.tileRows);
  for (const CellUse &use : encoding.cells)
    absl::StrAppendFormat(&out,
                          "  cells of %s: %d of %d bit%s for codes, %d of 1 bit for masks; %.2g "
                          "wrong expected (%.2g a "
                          "cell%s)\n    order %s: %s, in natural order %s\n",
                          use.tier, use.dataCells, use.bitsPerCell, use.bitsPerCell > 1 ? "s" : "",
                          use.maskCells, use.wrongCells, use.errorRate,
                          use.byLevel ? ", by level" : "", use.order, decibels(use.sqnrDb),
                          decibels(use.naturalSqnrDb));
  return out;
}

ordered_json encodingJson(const Encoding &encoding) {
  ordered_json tensors = ordered_json::array(), cells = ordered_json::array();
  for (const EncodedTensor &t : encoding.tensors)
    tensors.push_back({{"name", t.name},
                       {"kind", t.kind},
                       {"role", t.role},
                       {"class", t.sharing},
                       {"tasks", t.tasks},
                       {"tier", t.tier},
                       {"format", t.format},
                       {"form", std::string(formOf(t))},
                       {"weights", t.weights},
                       {"zeros", t.zeros},
                       {"vectors", t.vectors},
                       {"null_vectors", t.nullVectors},
                       {"engine_vectors", t.engineVectors},
                       {"engine_null_vectors", t.engineNullVectors},
                       {"dense_bytes", t.denseBytes},
                       {"mask_bytes", t.maskBytes},
                       {"data_bytes", t.dataBytes},
                       {"scale_bytes", t.scaleBytes},
                       {"stored_bytes", t.storedBytes},
                       {"padding_bytes", t.paddingBytes},
                       {"tile_rows", t.tileRows},
                       {"entropy_bits_per_weight", t.entropyBits},
                       {"stored_bits_per_weight", t.storedBits()},
                       {"ratio", t.ratio()}});
  auto finite = [](double value) {
    return std::isfinite(value) ? ordered_json(value) : ordered_json();
  };
  for (const CellUse &use : encoding.cells)
    cells.push_back({{"tier", use.tier},
                     {"bits_per_cell", use.bitsPerCell},
                     {"data_cells", use.dataCells},
                     {"mask_cells", use.maskCells},
                     {"cell_error_rate", use.errorRate},
                     {"by_level", use.byLevel},
                     {"wrong_cells", use.wrongCells},
                     {"order", use.order},
                     {"sqnr_db", finite(use.sqnrDb)},
                     {"natural_sqnr_db", finite(use.naturalSqnrDb)}});
  return {{"tensors", std::move(tensors)}, {"cells", std::move(cells)}};
}

std::string printEncodingJson(const Encoding &encoding) {
  ordered_json report = {{"schema", kReportSchema}, {"encoding", encodingJson(encoding)}};
  return report.dump(2, ' ', false, nlohmann::detail::error_handler_t::replace) + "\n";
}

} // namespace aac::cost
