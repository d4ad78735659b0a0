//===- PrintJson.cpp - the report as JSON ----------------------------------===//
#include "aac/Cost/Report.h"

#include "absl/strings/str_format.h"
#include <nlohmann/json.hpp>

namespace aac::cost {

using nlohmann::ordered_json;

namespace {

ordered_json json(const Figure &figure) {
  return {{"low", figure.low}, {"typical", figure.typical}, {"high", figure.high}};
}

const char *name(Basis basis) { return basis == Basis::Simulated ? "simulated" : "estimated"; }

ordered_json withBasis(const Figure &figure, Basis basis) {
  ordered_json out = json(figure);
  out["basis"] = name(basis);
  return out;
}

ordered_json json(const Group &group) {
  return {{"key", group.key},
          {"instructions", group.instructions},
          {"macs", group.macs},
          {"bytes", group.bytes},
          {"energy_pj", withBasis(group.energyPj, Basis::Estimated)},
          {"busy_ns", withBasis(group.busyNs, Basis::Estimated)}};
}

ordered_json json(const ProgramCost &cost) {
  Group total = cost.total();
  ordered_json out = {{"latency_ns", withBasis(cost.latencyNs, cost.latencyBasis)},
                      {"cycles", cost.cycles},
                      {"energy_pj", withBasis(total.energyPj, Basis::Estimated)},
                      {"instructions", total.instructions},
                      {"macs", total.macs},
                      {"bytes", total.bytes}};
  constexpr std::pair<const char *, Dimension> views[] = {{"by_op", Dimension::Op},
                                                          {"by_layer", Dimension::Layer},
                                                          {"by_source_op", Dimension::SourceOp},
                                                          {"by_unit", Dimension::Unit},
                                                          {"by_tier", Dimension::Tier},
                                                          {"by_data_kind", Dimension::DataKind}};
  for (const auto &[key, dimension] : views) {
    ordered_json list = ordered_json::array();
    for (const Group &group : cost.by(dimension))
      list.push_back(json(group));
    out[key] = std::move(list);
  }
  return out;
}

} // namespace

ordered_json reportJson(const Report &report) {
  ordered_json out;
  out["schema"] = kReportSchema;
  out["machine"] = {{"name", report.machineName},
                    {"profile", report.machineProfile},
                    {"hash", absl::StrFormat("%016x", report.machineHash)}};
  ordered_json tasks = ordered_json::array();
  for (const TaskCost &task : report.tasks)
    tasks.push_back({{"name", task.name}, {"run", json(task.run)}});
  out["tasks"] = std::move(tasks);

  ordered_json switches = ordered_json::array();
  for (const SwitchCost &cost : report.switches)
    switches.push_back(
        {{"from", cost.from < 0 ? ordered_json() : ordered_json(report.tasks[cost.from].name)},
         {"to", report.tasks[cost.to].name},
         {"bytes", cost.bytes},
         {"latency_ns", withBasis(cost.latencyNs, cost.latencyBasis)},
         {"energy_pj", withBasis(cost.energyPj, Basis::Estimated)}});
  out["switches"] = std::move(switches);
  out["power_on"] = json(report.powerOn);

  ordered_json tiers = ordered_json::array();
  for (const TierUse &use : report.tiers)
    tiers.push_back({{"name", use.name},
                     {"technology", use.technology},
                     {"capacity_bytes", use.capacity},
                     {"image_bytes", use.imageBytes},
                     {"backbone_bytes", use.backboneBytes},
                     {"task_bytes", use.taskBytes},
                     {"activation_bytes", use.activationBytes},
                     {"area_mm2", use.areaMm2}});
  out["tiers"] = std::move(tiers);
  out["area_mm2"] = {{"logic", withBasis(report.logicAreaMm2, Basis::Estimated)},
                     {"buffers", withBasis(report.bufferAreaMm2, Basis::Estimated)},
                     {"tiers", withBasis(report.tierAreaMm2, Basis::Estimated)}};
  ordered_json perTask;
  for (size_t i = 0; i < report.streamSize.task.size() && i < report.tasks.size(); ++i)
    perTask[report.tasks[i].name] = report.streamSize.task[i];
  out["stream_bytes"] = {{"shared", report.streamSize.shared},
                         {"subset", report.streamSize.subset},
                         {"task", std::move(perTask)}};
  if (!report.encoding.tensors.empty())
    out["encoding"] = encodingJson(report.encoding);
  ordered_json constants = ordered_json::array();
  for (const Report::Constant &constant : report.constants)
    constants.push_back({{"name", constant.name},
                         {"low", constant.value.low},
                         {"typical", constant.value.typical},
                         {"high", constant.value.high},
                         {"unit", constant.value.unit},
                         {"source", constant.value.source}});
  out["constants"] = std::move(constants);
  return out;
}

std::string printReportJson(const Report &report) {
  return reportJson(report).dump(2, ' ', false, nlohmann::detail::error_handler_t::replace) + "\n";
}

} // namespace aac::cost
