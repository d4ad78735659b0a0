//===- CompressPasses.td - share, roll, prune, quantise ----*- tablegen -*-===//
#ifndef AAC_TRANSFORMS_COMPRESSPASSES
#define AAC_TRANSFORMS_COMPRESSPASSES

include "mlir/Pass/PassBase.td"

class AacSuitePass<string argument> : Pass<argument, "::aac::ir::SuiteOp"> {
  let dependentDialects = ["::aac::ir::AACDialect"];
}

def SharePass : AacSuitePass<"aac-share"> {
  let summary = "stores parameters that several tasks have in common once";
  let description = [{
    Merges parameters of equal type, role, format and content, drops parameters that no
    task uses and says of each of the others who uses it (`tasks`, sorted), whether that
    is everyone (`sharing`) and what it held when it was imported (`content_hash`, XXH3 of
    the f32 bytes). Each byte is hashed once, on all cores; where hashes meet, bytes are
    compared.

    Class follows role as well as bytes. Exporters store equal tensors once, so that all
    zero biases of a model may be one tensor. A parameter of a task role (adapter,
    layer_norm, pooler, classifier) whose elements are all equal says nothing about its
    origin and stays one per task; the copies carry `aac.fork = "constant"`. One that is not
    constant and equal in several tasks (a frozen pooler) is shared like any other. With a
    single task the role decides alone: embedding, attention and ffn are shared, all
    else belongs to the task.

    A parameter that carries `aac.fork` is a wanted copy and is never merged.

    With `merge=quantised` parameters of one type and role whose codes in `format` are equal,
    each under its own exponent, are merged too, and the first one's values stay: a remark
    says what became of which. Biases of linears stay f32 and are left alone, and so are
    constants of a task role.

    Example: two tasks with the same matrix
    ```mlir
    aac.param @sst2_wq : tensor<2x2xf32> = dense<[[1.0, 2.0], [3.0, 4.0]]> {role = #aac.role<attention>}
    aac.param @mnli_wq : tensor<2x2xf32> = dense<[[1.0, 2.0], [3.0, 4.0]]> {role = #aac.role<attention>}
    ```
    leave
    ```mlir
    aac.param @sst2_wq : ... {content_hash = ... : i64, role = #aac.role<attention>,
                              sharing = #aac.sharing<shared>, tasks = ["mnli", "sst2"]}
    ```
  }];
  let options = [
    Option<"merge", "merge", "std::string", "\"equal\"",
           "what is merged: equal (bytes), or quantised: what has equal codes, too">,
    Option<"format", "format", "std::string", "\"af8e3\"",
           "number format that merge=quantised compares in">];
  let statistics = [
    Statistic<"numMerged", "merged", "parameters merged into an equal one">,
    Statistic<"numDropped", "dropped", "parameters that no task uses">,
    Statistic<"numShared", "shared", "parameters of all tasks">,
    Statistic<"numSubset", "subset", "parameters of several tasks">,
    Statistic<"numTask", "task", "parameters of one task">];
}

def VerifySharingPass : AacSuitePass<"aac-verify-sharing"> {
  let summary = "fails when a pass forked a shared parameter";
  let description = [{
    After `aac-share`, whatever pass runs: every parameter has `content_hash`, `sharing` and
    `tasks`; only tasks named there use it; and no two parameters came from the same
    content, type and role, unless one of them carries the discardable attribute
    `aac.fork` that makes a wanted copy explicit. After `aac-encode`: a weight or table of
    several tasks is stored once, for all of them. The pipelines run it after every pass.

    Example: a pass clones a shared weight for one task
    ```
    error: 'aac.param' op @wq_copy has the content hash, type and role of @wq: a shared parameter was forked
    ```
  }];
}

def AbsorbRequantisePass : AacSuitePass<"aac-absorb-requantise"> {
  let summary = "takes the file's rounding of activations away, and notes it";
  let description = [{
    What the file rounds (`aac.requantise`) is rounded here by the formats that `aac-quantise` chooses:
    the operation goes. Where every use of a result was rounded to one format, the operation that
    makes it gets `aac.quantised`: `aac-quantise` takes the range of that format as the range of the
    result instead of what calibration saw, and int8 formats are it. A bias behind the
    rounding goes back to the product that it belongs to.

    Precondition: loops are not rolled. Postcondition: no `aac.requantise`.

    Example:
    ```mlir
    %x = aac.layer_norm ...
    %r = aac.requantise %x to <0.05> : (tensor<1x8x16xf32>) -> tensor<1x8x16xf32>
    ```
    becomes `%x = aac.layer_norm ... {aac.quantised = #aac.int8<0.05>}`, used where %r was.
  }];
  let statistics = [
    Statistic<"numAbsorbed", "absorbed", "roundings taken away">,
    Statistic<"numNoted", "noted", "of them noted at the operation whose result they round">];
}

def RollPass : AacSuitePass<"aac-roll"> {
  let summary = "turns repeated layers into a loop";
  let description = [{
    Finds in each task the longest run of layers that are equal but for their parameters
    and of which each takes what the one before gives, and makes an `aac.loop` of it. A
    parameter that is the same in all repetitions is read with `aac.use` (ALBERT's shared
    layer), one that differs with `aac.use_each` (type and role must agree). Other values
    from before the layers (the attention mask) are used from inside as they are.

    The operations are looked at in the order of a depth-first walk from the
    task's results, so that the exporter's order within a layer does not matter.
    Cost: O(n^2) comparisons of interned keys for n operations, then one check of the
    dataflow for each candidate, best first.

    Example: two linears one after the other
    ```mlir
    %y = aac.loop 2 (%h = %x) : (tensor<1x4xf32>) {
      %w = aac.use_each [@w0, @w1] : tensor<4x4xf32>
      %z = aac.linear %h, %w : (tensor<1x4xf32>, tensor<4x4xf32>) -> tensor<1x4xf32>
      aac.yield %z : tensor<1x4xf32>
    }
    ```
  }];
  let options = [
    Option<"minOps", "min-ops", "unsigned", "4",
           "operations a layer must have to be worth a loop">];
  let statistics = [
    Statistic<"numLoops", "loops", "loops made">,
    Statistic<"numLayers", "layers", "layers rolled into loops">,
    Statistic<"numPerLayer", "per-layer", "operands that differ from layer to layer">];
}

def PrunePass : AacSuitePass<"aac-prune"> {
  let summary = "sets the smallest weights to zero";
  let description = [{
    `sparsity` is a list of `group:amount`. Groups: `embedding`, `attention`, `ffn`,
    `encoder` (attention and ffn), `adapter`, `pooler`, `classifier`, `other`, `all`; where
    several name a parameter the last one counts. An amount is

    - a fraction: of each tensor exactly floor(fraction * count) elements of least magnitude
      become zero, zeros that are already there included, ties by position;
    - `vector:fraction`: the same of whole vectors of 16 consecutive elements of a row, by the
      sum of their squares. Only a vector that is zero throughout lets the engine skip work;
    - `N:M`: of each M consecutive elements of a row the N largest stay.

    `method` is a list of `global` (the fraction holds for all tensors of a rule together, with
    one threshold), `scores=FILE.npz` (movement pruning: what has the least score goes,
    whatever its magnitude) and `masks=FILE.npz` (what has a mask keeps the elements where
    it is not zero, whatever `sparsity` says). Arrays are named after parameters and have
    their shapes.

    The same mask on every machine, one mask whatever the number of tasks. One-dimensional
    parameters (biases, layer norms) are pruned by masks alone. Parameters that were looked at
    get `sparsity`, the fraction of zeros they really have.

    Example: `aac-prune{sparsity=embedding:0.6,attention:2:4,ffn:vector:0.5,adapter:0}`
  }];
  let options = [
    Option<"sparsity", "sparsity", "std::string", "\"\"",
           "what to prune, such as embedding:0.6,encoder:0.5,ffn:2:4 (nothing by default)">,
    Option<"method", "method", "std::string", "\"\"",
           "global, masks=FILE.npz, scores=FILE.npz (by magnitude, each tensor, by default)">];
  let statistics = [
    Statistic<"numPruned", "pruned", "parameters pruned">,
    Statistic<"numZeroed", "zeroed", "elements set to zero">,
    Statistic<"numVectors", "vectors", "vectors of 16 elements looked at">,
    Statistic<"numNullVectors", "null-vectors", "of them zero throughout">];
}

def ExpandAdaptersPass : AacSuitePass<"aac-expand-adapters"> {
  let summary = "writes adapters out as linear, activation, linear, add";
  let description = [{
    The `scale` of an adapter moves into its up projection (weight and bias). Where a
    parameter is wanted with two different scales it is copied, marked `aac.fork`.

    Example: `aac.adapter relu %x down(%d, %db) up(%u, %ub)` becomes
    ```mlir
    %0 = aac.linear %x, %d, %db : ...
    %1 = aac.activation relu %0 : ...
    %2 = aac.linear %1, %u, %ub : ...
    %3 = aac.add %x, %2 : ...
    ```
  }];
  let statistics = [
    Statistic<"numExpanded", "expanded", "adapters written out">,
    Statistic<"numScaled", "scaled", "parameters that took up a scale">];
}

def FoldScalesPass : AacSuitePass<"aac-fold-scales"> {
  let summary = "moves scales of linears into weights, makes those of scores powers of two";
  let description = [{
    The `scale` of a linear is multiplied into its weight and bias.

    The engine scales by shifting. The nearest power of two stays in `aac.scores`, the rest
    (between 0.71 and 1.41, to 16 bits: exporters round the same scale in different ways) goes
    into weight and bias of the linear that makes the query, or of the linears whose sum it is.
    A query that is nothing of that kind, or that is used elsewhere too, is left as it is
    with a remark; `aac-quantise` refuses such scores by name.

    Example: heads of 12 features, scale 0.288675: scores keep 0.25, the query's weight
    and bias are multiplied by 1.154701.
  }];
  let statistics = [
    Statistic<"numFolded", "folded", "linears without a scale, scores with a power of two now">,
    Statistic<"numScaled", "scaled", "parameters that took up a scale">];
}

def CalibratePass : AacSuitePass<"aac-calibrate"> {
  let summary = "runs each task and notes how large its activations get";
  let description = [{
    Interprets each task in f32 and sets on every operation `absmax`, the largest
    magnitude of its result over samples and repetitions, and on every layer norm
    `min_variance`, the smallest variance of an attended token's row.

    `samples` is a list of `task=path.npz`: arrays named as the task's inputs, or
    `in.<i>.<input>` for several cases, all of which are used. A task without samples runs
    pseudo-random sentences, always the same: ids uniform over the rows of the embedding
    table, segment 0 in the first half and 1 in the second; sentences of 16 tokens at most, of which
    all, three quarters, a half and a quarter are attended in turn, 512 tokens in all, or as many as 6e9
    multiply-adds of linears allow, but 64; and 8 tokens of which the first alone is attended,
    where attention is sharpest.
    A task whose shapes are not those of its inputs alone runs one sentence of each kind in full.
    `method` says which magnitude a format must hold:

    - `minmax`: the largest that was seen;
    - `percentile` or `percentile:<p>`: what p percent (99.9) of all values do not exceed;
    - `mse`: that with which `format` has the least squared error over all values.

    or of each task one, `task=method,...` (others: `minmax`). `/head` behind it lets `aac-correct-biases`
    correct the pooler's and the classifier's biases alone, `/none` none.

    Where the last two leave values to saturate, the operation gets `aac.clip`, and a remark
    counts them. Both count magnitudes in 16 bins an octave, so they give the same on every machine.
    A task with samples of its own gets `aac.samples`, their number.

    Where a task runs four sentences or more, a bias that `aac-correct-biases` can correct, of pseudo-random
    ones the pooler's and the classifier's, gets `aac.target`:
    what the linear that it belongs to gives in each sentence of the first 2048 tokens, in the mean over
    attended tokens.

    `samples=none` measures nothing; `aac-quantise` then derives magnitudes from the weights.

    A value that a loop carries has one format in all repetitions. Where what a loop starts from
    and what it goes on with differ by `peel` octaves or more (ALBERT's first layer reads a
    projection, the others a layer norm), that format would cost one of them its mantissa: the
    first repetition is written out before the loop, with magnitudes of its own. Parameters
    stay shared.

    Example: `aac-calibrate{samples=sst2=sst2.npz,mnli=mnli.npz}`
  }];
  let options = [
    Option<"samples", "samples", "std::string", "\"\"",
           "task=path.npz,... or none; pseudo-random sentences where a task is not named">,
    Option<"method", "method", "std::string", "\"minmax\"",
           "minmax, mse, percentile or percentile:<p>, for all tasks or task=method,...">,
    Option<"format", "format", "std::string", "\"af8e3\"",
           "number format whose error mse makes least">,
    Option<"ranges", "ranges", "bool", "false",
           "note `aac.range` too, the least and the largest value">,
    Option<"peel", "peel", "double", "2",
           "octaves between a loop's initial and later values that write its first repetition "
           "out; 0: never">,
    Option<"weightSigmas", "weight-sigmas", "double", "0",
           "as of aac-quantise: tells with samples=none where loops start apart">];
  let statistics = [
    Statistic<"numRuns", "runs", "batches of sentences interpreted">,
    Statistic<"numTargets", "targets", "biases that can be corrected">,
    Statistic<"numClipped", "clipped", "activations of which some values saturate">,
    Statistic<"numPeeled", "peeled", "loops whose first repetition was written out">,
    Statistic<"numValues", "values", "activations measured">];
}

def QuantisePass : AacSuitePass<"aac-quantise"> {
  let summary = "gives every parameter and activation a number format";
  let description = [{
    Weights, embedding tables, gammas and betas become codes; linear biases stay f32 (they
    become part of the weight when encoded). Activations get a format.

    A format is a 3-bit bias and a compile-time scale, smallest exponent
    bias - 10 + scale. What the engine adds together must have one scale, so values are
    gathered into scale classes (union-find over adds, layer norms, loops and parameters; a
    parameter joins the tasks that share it). A class takes the scale with which its
    largest member needs bias 7: that keeps most of the engine's 12 fraction bits. Each
    member then takes the least bias that covers its own largest magnitude. Scores and
    probabilities have scale 0, because the softmax unit computes exp of the word itself:
    scores beyond 31 saturate, with a remark. Over more than 64 keys probabilities saturate at
    31/32: that costs 3 % where a token attends to one other alone, and gains an octave for
    the small ones.

    A bias is a sum of 16 codes of its weight times one power of two that the input has. Where that
    does not reach the largest bias, weight and input take larger smallest exponents; a remark
    says so.

    Shifts of matrix products must lie in 0..31. Where one does not, the scale of the
    result's class or the smallest exponent of the weight is raised. Scores have no scale to
    raise: there the factors' smallest exponents are lowered, and what was seen beyond them
    saturates, with a remark (such products are beyond the 31 at which scores saturate). If that
    does not help, the pass fails with the numbers.

    Largest magnitudes come from `absmax` (aac-calibrate), with room for `sigmas` standard
    deviations of a normal distribution: times sigmas / sqrt(2 ln(n/3)) for results of n
    elements, if that is more than 1. The largest of a few values says little of the next (two
    logits: 13; 16 x 64: 1.2; 128 x 768: 1). For a task that was calibrated on samples of its own
    n counts all of them and `sample-sigmas` holds instead. `aac.clip` is taken as it is. They are capped by rigorous
    bounds derived from the weights, which also serve where `absmax` is missing: a layer norm's row has
    norm at most sqrt(width) max|gamma| + |beta| (an element: sqrt(width - 1)), a linear multiplies maxima by at most its largest
    row norm (L1 for maxima, L2 for norms), attention averages, a loop is followed through its repetitions.
    Such bounds are octaves too wide. With `weight-sigmas`, what has no `absmax` gets room for so many
    root mean squares instead, which follow from the weights too, if values are independent: beyond
    that it saturates. The pipelines take 6 with `calibrate=none`.

    Where the file rounds a result (`aac.quantised`), the largest magnitude of its format holds
    instead: what is beyond saturates in the file too.

    int8 has none of this: what the file has in int8 keeps the file's format (a parameter while
    `quantised` is still true of its values); a result's scale follows from the same magnitudes (and from `aac.range`
    where zero points are asked for), a parameter's from its values. A format group of which one
    member is to be int8 is int8; what is left is solved as if all were AdaptivFloat. A linear's
    bias is int8 only where a pattern of `formats` names it.

    Precondition: `aac-expand-adapters`. Postcondition: what `aac-verify-quantised` checks.

    Example:
    ```mlir
    aac.param @w : tensor<2x4xf32> = dense<[[48, 64, 80, 0], ...]> : tensor<2x4xi8>
        {format = #aac.af<8, 3, bias = 7, scale = -4>}
    %y = aac.linear %x, %w {absmax = 3.5, format = #aac.af<8, 3, bias = 7, scale = -3>} : ...
    ```
  }];
  let options = [
    Option<"format", "format", "std::string", "\"af8e3\"",
           "number format: af<bits>e<exponent bits>, or int8 with :asymmetric, :channel">,
    Option<"formats", "formats", "std::string", "\"\"",
           "PATTERN=FORMAT,...: other formats for parameters (by symbol) and results (by ONNX node)">,
    Option<"sigmas", "sigmas", "double", "4.0",
           "standard deviations that activations get room for beyond what was measured">,
    Option<"sampleSigmas", "sample-sigmas", "double", "2.5",
           "the same where the task's own samples were measured">,
    Option<"weightSigmas", "weight-sigmas", "double", "0",
           "the same where nothing was measured; 0: bounds that hold for every input">];
  let statistics = [
    Statistic<"numParams", "params", "parameters turned into codes">,
    Statistic<"numSaturated", "saturated", "parameter elements beyond their format">,
    Statistic<"numUnderflow", "underflow", "parameter elements other than zero that became zero">,
    Statistic<"numClasses", "classes", "scale classes">];
}

def CorrectBiasesPass : AacSuitePass<"aac-correct-biases"> {
  let summary = "takes the mean error of quantising out of a task's biases";
  let description = [{
    Runs each task with rounded results on the sentences of `aac-calibrate` and compares the mean
    of each feature behind a bias with `aac.target`, what it was in f32; the difference is added
    to the bias. Biases are corrected in the order in which an inference meets them. Only biases
    that are a task's own (adapters, pooler, classifier), used once an inference and not all zeros
    are changed: what is shared stays what it is, and no command is added.

    The scatter over sentences tells chance from error: the difference is scaled
    by max(0, 1 - variance of the mean / square of the mean), both summed over features, and fewer than
    four sentences correct nothing. A bias beyond what its lanes hold stays.

    Precondition: `aac-quantise`. Postcondition: `aac.target` is gone.

    Example: `aac-correct-biases{samples=sst2=sst2.npz}`
  }];
  let options = [
    Option<"samples", "samples", "std::string", "\"\"",
           "those of aac-calibrate: task=path.npz,... or none">];
  let statistics = [Statistic<"numCorrected", "corrected", "biases corrected">];
}

def VerifyQuantisedPass : AacSuitePass<"aac-verify-quantised"> {
  let summary = "checks what the lowering relies on in quantised IR";
  let description = [{
    Where formats are AdaptivFloat: 1. The operands and the result of an add have one scale. 2. Scores entering a softmax and
    probabilities leaving it have scale 0, probabilities bias 3 at most. 3. A layer
    norm's result, gamma and beta have one scale. 4. The shift of each matrix product
    lies in 0..31 and the scale of scores is a power of two; a linear that only a relu uses has the relu's format.
    5. The initial value, the yielded value and the result of a loop have one format, and so have the
    parameters of one `aac.use_each`; a select keeps its input's format. 6. and 8. Weights, tables,
    gammas and betas are codes. 7. Linear biases are f32. Each violation is reported at its operation.

    Example: `error: 'aac.add' op lhs has scale -3 and result has scale -2: the engine adds at one scale`
  }];
}

#endif
