// RUN: not aac-opt %s --aac-prune=sparsity=encoder:1.5 2>&1 | FileCheck %s --check-prefix=FRACTION
// RUN: not aac-opt %s --aac-prune=sparsity=decoder:0.5 2>&1 | FileCheck %s --check-prefix=GROUP
// RUN: not aac-opt %s --aac-prune=sparsity=other:0.5 2>&1 | FileCheck %s --check-prefix=CODES

// FRACTION: error: sparsity 'encoder:1.5' must be group:fraction with a fraction from 0 to 1
// GROUP: error: there is no parameter group 'decoder'; groups are embedding, attention, ffn, encoder, adapter, layer_norm, pooler, classifier, other, all
// CODES: error: 'aac.param' op must hold f32 values, holds 'i8'
aac.suite {
  aac.param @w : tensor<1x2xf32> = dense<[[1, 2]]> : tensor<1x2xi8> {format = #aac.af<8, 3, bias = 7, scale = 0>}
}
