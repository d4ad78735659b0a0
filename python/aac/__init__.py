"""Models for the compiler, made with numpy and onnx alone.

  aac.config     what a model looks like: sizes, adapters, tasks
  aac.weights    seeded weights whose activations look like a trained transformer's
  aac.albert     the ONNX graph of one task, as PyTorch's exporter writes it
  aac.sentences  seeded input sentences
  aac.models     the command: python3 -m aac.models --help
  aac.reference  ONNX semantics in numpy, to compare results with
  aac.show       prints result files: python3 -m aac.show FILE.npz
"""
