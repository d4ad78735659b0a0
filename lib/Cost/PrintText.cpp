//===- PrintText.cpp - the report for people -------------------------------===//
#include "aac/Cost/Report.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include <algorithm>

namespace aac::cost {
namespace {

/// A value with the prefix that leaves one to three digits before the point.
std::string scaled(double value, const std::vector<std::pair<double, const char *>> &units) {
  if (value == 0)
    return absl::StrFormat("0 %s", units.front().second);
  auto unit = units.front();
  for (const auto &candidate : units)
    if (value >= candidate.first)
      unit = candidate;
  double v = value / unit.first;
  return absl::StrFormat("%.*f %s", v >= 100 ? 0 : v >= 10 ? 1 : 2, v, unit.second);
}

std::string timeText(double ns) {
  return scaled(ns, {{1, "ns"}, {1e3, "us"}, {1e6, "ms"}, {1e9, "s"}});
}
std::string energyText(double pj) {
  return scaled(pj, {{1, "pJ"}, {1e3, "nJ"}, {1e6, "uJ"}, {1e9, "mJ"}, {1e12, "J"}});
}
std::string bytesText(double bytes) {
  return scaled(bytes, {{1, "B"}, {1024, "KiB"}, {1048576, "MiB"}, {1073741824, "GiB"}});
}

std::string range(const Figure &figure, std::string (*text)(double)) {
  return absl::StrCat(text(figure.typical), " (", text(figure.low), " .. ", text(figure.high), ")");
}

const char *mark(Basis basis) { return basis == Basis::Simulated ? "simulated" : "estimated"; }

void shares(std::string &out, absl::string_view title, const std::vector<Group> &groups,
            double total) {
  absl::StrAppendFormat(&out, "  %-12s", std::string(title));
  const char *separator = "";
  for (const Group &group : groups) {
    double share = total > 0 ? 100 * group.energyPj.typical / total : 0;
    if (share < 0.05)
      continue;
    absl::StrAppendFormat(&out, "%s%s %.1f %%", separator, group.key, share);
    separator = ", ";
  }
  out += "\n";
}

} // namespace

/// Where one inference's energy and time go.
static std::string breakdownText(const TaskCost &task) {
  std::string out;
  Group total = task.run.total();
  shares(out, "unit", task.run.by(Dimension::Unit), total.energyPj.typical);
  shares(out, "instruction", task.run.by(Dimension::Op), total.energyPj.typical);
  shares(out, "operation", task.run.by(Dimension::SourceOp), total.energyPj.typical);
  shares(out, "layer", task.run.by(Dimension::Layer), total.energyPj.typical);
  shares(out, "memory", task.run.by(Dimension::Tier), total.energyPj.typical);
  shares(out, "data", task.run.by(Dimension::DataKind), total.energyPj.typical);
  out += "  busy        ";
  const char *separator = "";
  for (const Group &group : task.run.by(Dimension::Unit)) {
    if (group.key == "static")
      continue;
    absl::StrAppend(&out, separator, group.key, " ", timeText(group.busyNs.typical));
    separator = ", ";
  }
  out += "\n";
  return out;
}

std::string printReportText(const Report &report) {
  std::string out;
  absl::StrAppend(&out, "Cost on ", report.machineName,
                  report.machineProfile.empty() ? ""
                                                : absl::StrCat(" (", report.machineProfile, ")"),
                  "; typical (low .. high)\n\nOne inference\n");
  absl::StrAppendFormat(&out, "  %-12s %-34s %-38s %10s\n", "task", "latency", "energy", "GMAC");
  for (const TaskCost &task : report.tasks) {
    Group total = task.run.total();
    absl::StrAppendFormat(&out, "  %-12s %-34s %-38s %10.4f\n", task.name,
                          range(task.run.latencyNs, timeText), range(total.energyPj, energyText),
                          static_cast<double>(total.macs) * 1e-9);
  }
  absl::StrAppendFormat(&out, "  latency %s, energy estimated\n",
                        report.tasks.empty() ? "estimated"
                                             : mark(report.tasks.front().run.latencyBasis));

  // Tasks of one shape cost the same: say so once.
  std::vector<std::pair<std::string, std::vector<std::string>>> breakdowns;
  for (const TaskCost &task : report.tasks) {
    std::string text = breakdownText(task);
    auto same = std::find_if(breakdowns.begin(), breakdowns.end(),
                             [&](const auto &entry) { return entry.first == text; });
    if (same == breakdowns.end())
      same = breakdowns.insert(same, {text, {}});
    same->second.push_back(task.name);
  }
  for (const auto &[text, names] : breakdowns)
    absl::StrAppend(&out, "\nWhere the energy of ", absl::StrJoin(names, ", "), " goes\n", text);

  out += "\nSwitching tasks (parameters moved, latency, energy)\n";
  for (size_t to = 0; to < report.tasks.size(); ++to) {
    std::vector<std::pair<std::string, std::string>> lines; // from, cost
    bool alike = true;
    for (const SwitchCost &cost : report.switches)
      if (cost.to == static_cast<int>(to)) {
        lines.push_back(
            {cost.from < 0 ? "(power-on)" : report.tasks[cost.from].name,
             absl::StrFormat("%10s  %-32s %s", bytesText(static_cast<double>(cost.bytes)),
                             range(cost.latencyNs, timeText), range(cost.energyPj, energyText))});
        alike &= lines.back().second == lines.front().second;
      }
    if (alike && lines.size() > 1)
      lines = {{"(any)", lines.front().second}};
    for (const auto &[from, text] : lines)
      absl::StrAppendFormat(&out, "  %-12s -> %-12s %s\n", from, report.tasks[to].name, text);
  }
  absl::StrAppend(&out, "  power-on     ", range(report.powerOn.latencyNs, timeText), ", ",
                  range(report.powerOn.total().energyPj, energyText), "\n");

  out += "\nMemory\n";
  absl::StrAppendFormat(&out, "  %-8s %-5s %10s %10s %10s %12s %7s %9s\n", "tier", "kind",
                        "capacity", "backbone", "task", "activations", "used", "area");
  for (const TierUse &use : report.tiers) {
    double used = static_cast<double>(std::max(use.imageBytes, use.backboneBytes + use.taskBytes) +
                                      use.activationBytes);
    absl::StrAppendFormat(&out, "  %-8s %-5s %10s %10s %10s %12s %6.1f%% %5.2f mm2\n", use.name,
                          use.technology, bytesText(static_cast<double>(use.capacity)),
                          bytesText(static_cast<double>(use.backboneBytes)),
                          bytesText(static_cast<double>(use.taskBytes)),
                          bytesText(static_cast<double>(use.activationBytes)),
                          use.capacity ? 100 * used / static_cast<double>(use.capacity) : 0,
                          use.areaMm2);
  }
  absl::StrAppendFormat(&out, "  area: logic %.3f mm2, buffers %.3f mm2, tiers %.3f mm2\n",
                        report.logicAreaMm2.typical, report.bufferAreaMm2.typical,
                        report.tierAreaMm2.typical);

  if (!report.encoding.tensors.empty())
    absl::StrAppend(&out, "\n", printEncodingText(report.encoding));

  absl::StrAppend(&out, "\nStream: shared ",
                  bytesText(static_cast<double>(report.streamSize.shared)));
  if (report.streamSize.subset)
    absl::StrAppend(&out, ", some tasks ",
                    bytesText(static_cast<double>(report.streamSize.subset)));
  for (size_t i = 0; i < report.streamSize.task.size() && i < report.tasks.size(); ++i)
    absl::StrAppend(&out, ", ", report.tasks[i].name, " ",
                    bytesText(static_cast<double>(report.streamSize.task[i])));
  out += "\n";
  return out;
}

} // namespace aac::cost
