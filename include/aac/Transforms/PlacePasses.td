//===- PlacePasses.td - encode, place, tile ----------------*- tablegen -*-===//
#ifndef AAC_TRANSFORMS_PLACEPASSES
#define AAC_TRANSFORMS_PLACEPASSES

include "mlir/Pass/PassBase.td"

class AacMachinePass<string argument> : Pass<argument, "::mlir::ModuleOp"> {
  let dependentDialects = ["::aac::ir::AACDialect"];
  list<Option> machineOption = [
    Option<"machine", "machine", "std::string", "\"edgebert-rram\"",
           "machine to compile for: a name from machines/ or a path">];
}

def CheckAccumulatorsPass : AacMachinePass<"aac-check-accumulators"> {
  let summary = "proves that sums fit the machine's accumulator";
  let description = [{
    A matrix product adds products of significands, whole numbers up to 3968. Bounds that hold
    for every input, from the codes alone:

    - a linear: the largest row of the weight (sum of its significands) times 3968, and the bias;
    - scores: the features of a head times 3968 squared;
    - a context: probabilities of a row add up to 1, at most twice that in codes, times 3968.

    Where a bound exceeds an accumulator of 32 bits, a remark says so at the operation (the
    simulator counts sums that wrap). A narrower accumulator would wrap in earnest: the
    operation is refused with its bound. Run after `aac-quantise`, before `aac-encode`.

    Example: `error: 'aac.scores' op adds up to 251920384 (16 features of a head, each the largest
    code), the accumulator of 'edgebert-published' has 16 bits and holds 32767: it would wrap; ...`
  }];
  let options = machineOption;
  let statistics = [
    Statistic<"numProven", "proven", "products whose sums always fit">,
    Statistic<"numUnproven", "unproven", "products whose sums may wrap">];
}

def EncodePass : AacMachinePass<"aac-encode"> {
  let summary = "turns quantised parameters into bytes as the engine reads them";
  let description = [{
    Makes one `aac.stored` for each engine weight (bit-mask + non-zeros or dense,
    whichever is smaller), layer norm, embedding table, function table and constant,
    and links each operation to what it reads. A bias becomes an extra reduction tile of
    its weight, split over lanes as finely as the format can. Equal bytes are stored
    once.

    Precondition: `aac-verify-quantised`. Postcondition: every `aac.linear`,
    `layer_norm`, `embedding`, host-run `activation` and `softmax` names its stored
    bytes (`aac.weights`, `aac.lanes`, `aac.vectors`, `aac.tables`, `aac.ids`,
    `aac.table`, `aac.span`).

    Masks and data start anew with every tile of a weight and every row of a table: these
    are the points where a reader that lost its place, after an error in a mask, finds it again.
    `tile-rows` chooses how many output features lie between two of them. A smaller tile
    costs commands and the padding of its shorter lanes.

    What an earlier compilation stored (AddTask.h) is found by its parameters and used again.

    Example: a 16x16 weight and its bias become
    ```mlir
    aac.stored @w.weights "weights" = dense_resource<...> : tensor<512xi8>
        {tile_rows = 16 : i64, row_vectors = 2 : i64, bias_exponent = 0 : i64, ...}
    ```
  }];
  let options = machineOption # [
    Option<"tileRows", "tile-rows", "int64_t", "64",
           "output features of a tile at most: 16, 32, 48 or 64">];
  let statistics = [
    Statistic<"numStored", "stored", "symbols made">,
    Statistic<"numBytes", "bytes", "bytes stored">,
    Statistic<"numDense", "dense", "engine weights stored dense">];
}

def PlacePass : AacMachinePass<"aac-place"> {
  let summary = "gives every stored byte and every buffer a tier and an address";
  let description = [{
    Shared bytes go to the first tier of the machine that allows the backbone and has
    room, task bytes likewise, buffers of activations after the task's bytes, planned by
    lifetime. What does not fit spills, largest first, to the next tier that allows it; a
    remark says so. Bytes whose tier forgets (SRAM) also get an address where they rest.
    The policy is greedy; a remark gives each task's peak and its lower bound.
  }];
  let options = machineOption;
  let statistics = [Statistic<"numSpilled", "spilled", "symbols or buffers not in their first tier">];
}

def TilePass : AacMachinePass<"aac-tile"> {
  let summary = "chooses how the engine works through each linear";
  let description = [{
    For each `aac.linear` the number of tokens held in the engine and which operand stays
    there while the other streams by: the choice that takes fewer cycles, by the machine's
    own rates, where what streams by is loaded beside the engine as far as the buffers
    allow it.

    Example: `aac.linear ... {aac.tile = #aac.tile<tokens = 64, order = "input">}`
  }];
  let options = machineOption;
}

#endif
