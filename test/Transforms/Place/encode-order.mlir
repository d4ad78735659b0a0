// Tables and constant ids are named in each embedding's own order, whatever other tasks do.
// RUN: aac-opt %s --aac-encode | FileCheck %s

#f = #aac.af<8, 3, bias = 7, scale = 0>
aac.suite {
  aac.param @t : tensor<4x16xf32> = dense<0x30> : tensor<4x16xi8> {format = #f}
  aac.param @u : tensor<2x16xf32> = dense<0x31> : tensor<2x16xi8> {format = #f}
  // CHECK-LABEL: aac.task @a
  aac.task @a() inputs [] outputs ["y"] {
    %t = aac.use @t : tensor<4x16xf32>
    %u = aac.use @u : tensor<2x16xf32>
    %i = aac.constant_ids dense<[[0, 3]]> : tensor<1x2xi64>
    %j = aac.constant_ids dense<[[1, 0]]> : tensor<1x2xi64>
    // CHECK: aac.embedding {{.*}}aac.ids = [@a.ids, @[[J:a.ids_?[0-9]+]], @a.ids], aac.tables = [@t.rows, @u.rows, @t.rows]
    %x = aac.embedding ids(%i, %j, %i) tables(%t, %u, %t) {format = #f} : (tensor<1x2xi64>, tensor<1x2xi64>, tensor<1x2xi64>, tensor<4x16xf32>, tensor<2x16xf32>, tensor<4x16xf32>) -> tensor<1x2x16xf32>
    aac.return %x : tensor<1x2x16xf32>
  }
  // CHECK-LABEL: aac.task @b
  aac.task @b(%ids: tensor<1x2xi64>) inputs ["ids"] outputs ["y"] {
    %t = aac.use @t : tensor<4x16xf32>
    %u = aac.use @u : tensor<2x16xf32>
    %i = aac.constant_ids dense<[[0, 3]]> : tensor<1x2xi64>
    %j = aac.constant_ids dense<[[1, 0]]> : tensor<1x2xi64>
    // CHECK: aac.embedding {{.*}}aac.ids = [@[[J]], @a.ids], aac.tables = [@u.rows, @t.rows, @t.rows]
    %x = aac.embedding ids(%j, %ids, %i) tables(%u, %t, %t) {format = #f} : (tensor<1x2xi64>, tensor<1x2xi64>, tensor<1x2xi64>, tensor<2x16xf32>, tensor<4x16xf32>, tensor<4x16xf32>) -> tensor<1x2x16xf32>
    aac.return %x : tensor<1x2x16xf32>
  }
}
