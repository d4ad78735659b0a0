//===- Parameters.cpp - content and names of parameters -------------------===//
#include "Parameters.h"
#include "Roles.h"

#include "aac/Support/Hash.h"
#include "mlir/IR/BuiltinDialect.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Threading.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"
#include <cstring>

using namespace mlir;
using namespace aac;
using namespace aac::raise;

void raise::transposeFloats(const uint32_t *from, uint32_t *to, int64_t rows, int64_t columns) {
  // 16 x 16 elements are 16 cache lines on either side.
  constexpr int64_t kBlock = 16;
  for (int64_t r0 = 0; r0 < rows; r0 += kBlock)
    for (int64_t c0 = 0; c0 < columns; c0 += kBlock) {
      int64_t r1 = std::min(rows, r0 + kBlock), c1 = std::min(columns, c0 + kBlock);
      for (int64_t c = c0; c < c1; ++c)
        for (int64_t r = r0; r < r1; ++r)
          to[c * rows + r] = from[r * columns + c];
    }
}

std::string raise::meaningfulName(StringRef name) {
  bool invented =
      name.contains("::") || llvm::all_of(name, [](char c) { return c >= '0' && c <= '9'; });
  return invented ? std::string() : name.str();
}

//===----------------------------------------------------------------------===//
// TensorStore
//===----------------------------------------------------------------------===//

/// The bytes of a resource, nothing if they are missing or too few for its type.
static std::optional<ArrayRef<char>> bytesOf(DenseResourceElementsAttr resource) {
  AsmResourceBlob *blob = resource.getRawHandle().getBlob();
  uint64_t size = resource.getNumElements() * sizeof(float);
  if (!blob || blob->getData().size() != size || !resource.getElementType().isF32())
    return std::nullopt;
  return blob->getData();
}

static uint64_t hashOf(ArrayRef<char> bytes) {
  return hashBytes(
      absl::MakeConstSpan(reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size()));
}

uint64_t TensorStore::hash(ElementsAttr value) {
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(value)) {
    std::optional<ArrayRef<char>> bytes = bytesOf(resource);
    if (!bytes)
      return 0;
    auto [entry, isNew] = hashes.try_emplace(value, 0);
    if (isNew)
      entry->second = hashOf(*bytes);
    return entry->second;
  }
  std::optional<SmallVector<float>> floats = floatElements(value);
  if (!floats)
    return 0;
  return hashOf({reinterpret_cast<const char *>(floats->data()), floats->size() * sizeof(float)});
}

void TensorStore::add(ArrayRef<ElementsAttr> values, MLIRContext *context) {
  llvm::SetVector<DenseResourceElementsAttr> resources;
  for (ElementsAttr value : values)
    if (auto resource = dyn_cast<DenseResourceElementsAttr>(value))
      if (bytesOf(resource) && !hashes.contains(resource))
        resources.insert(resource);
  std::vector<uint64_t> found(resources.size());
  parallelFor(context, 0, resources.size(),
              [&](size_t i) { found[i] = hashOf(*bytesOf(resources[i])); });
  for (auto [resource, hash] : llvm::zip_equal(resources, found)) {
    hashes[resource] = hash;
    byContent[hash].push_back(resource);
  }
}

ElementsAttr TensorStore::reshaped(ElementsAttr value, ArrayRef<int64_t> shape) {
  auto type = RankedTensorType::get(shape, value.getElementType());
  if (value.getShapedType() == type)
    return value;
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(value))
    return DenseResourceElementsAttr::get(type, resource.getRawHandle());
  if (auto dense = dyn_cast<DenseElementsAttr>(value))
    return dense.reshape(type);
  return nullptr;
}

ElementsAttr TensorStore::transposed(ElementsAttr matrix, int64_t rows, int64_t columns) {
  matrix = reshaped(matrix, {rows, columns});
  if (!matrix)
    return nullptr;
  if (rows == 1 || columns == 1)
    return reshaped(matrix, {columns, rows});
  auto [entry, isNew] = transposes.try_emplace(matrix, nullptr);
  if (!isNew)
    return entry->second;
  ElementsAttr &result = entry->second;
  auto type = RankedTensorType::get({columns, rows}, matrix.getElementType());

  auto resource = dyn_cast<DenseResourceElementsAttr>(matrix);
  if (!resource) {
    std::optional<SmallVector<float>> from = floatElements(matrix);
    if (!from)
      return nullptr;
    SmallVector<float> to(from->size());
    transposeFloats(reinterpret_cast<const uint32_t *>(from->data()),
                    reinterpret_cast<uint32_t *>(to.data()), rows, columns);
    return result = DenseElementsAttr::get(type, ArrayRef<float>(to));
  }
  std::optional<ArrayRef<char>> bytes = bytesOf(resource);
  if (!bytes)
    return nullptr;
  AsmResourceBlob blob = HeapAsmResourceBlob::allocate(bytes->size(), /*align=*/16,
                                                       /*dataIsMutable=*/true);
  transposeFloats(reinterpret_cast<const uint32_t *>(bytes->data()),
                  reinterpret_cast<uint32_t *>(blob.getMutableData().data()), rows, columns);
  return result = this->store(type, std::move(blob));
}

ElementsAttr TensorStore::store(RankedTensorType type, AsmResourceBlob blob) {
  uint64_t hash = hashOf(blob.getData());
  for (DenseResourceElementsAttr known : byContent[hash])
    if (std::optional<ArrayRef<char>> other = bytesOf(known); other && *other == blob.getData())
      return DenseResourceElementsAttr::get(type, known.getRawHandle());
  std::string name;
  llvm::raw_string_ostream(name) << 'h' << llvm::format_hex_no_prefix(hash, 16);
  auto &manager = DenseResourceElementsHandle::getManagerInterface(type.getContext());
  auto made = DenseResourceElementsAttr::get(type, manager.insert(name, std::move(blob)));
  byContent[hash].push_back(made);
  hashes[made] = hash;
  return made;
}

ElementsAttr TensorStore::rows(ElementsAttr matrix, int64_t rows, int64_t columns,
                               const Rows &taken) {
  matrix = reshaped(matrix, {rows, columns});
  int64_t block = taken.block ? taken.block : taken.count;
  if (!matrix || (taken.first == 0 && block == rows))
    return matrix;
  auto type = RankedTensorType::get({taken.count, columns}, matrix.getElementType());
  int64_t size = block * columns;
  // Runs of rows, one behind the other.
  auto gather = [&](const auto *from, auto *to) {
    for (int64_t run = 0; run * block < taken.count; ++run)
      std::copy_n(from + (taken.first + run * taken.step) * columns, size, to + run * size);
  };
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(matrix)) {
    std::optional<ArrayRef<char>> bytes = bytesOf(resource);
    if (!bytes)
      return nullptr;
    AsmResourceBlob blob = HeapAsmResourceBlob::allocate(taken.count * columns * sizeof(float),
                                                         /*align=*/16, /*dataIsMutable=*/true);
    gather(reinterpret_cast<const uint32_t *>(bytes->data()),
           reinterpret_cast<uint32_t *>(blob.getMutableData().data()));
    return store(type, std::move(blob));
  }
  std::optional<SmallVector<float>> floats = floatElements(matrix);
  if (!floats)
    return nullptr;
  SmallVector<float> part(taken.count * columns);
  gather(floats->data(), part.data());
  return DenseElementsAttr::get(type, ArrayRef<float>(part));
}

//===----------------------------------------------------------------------===//
// Readings
//===----------------------------------------------------------------------===//

/// The format of a matrix that is transposed, and of some of its rows.
static ir::Int8Attr transposed(ir::Int8Attr format) {
  return format && format.isPerChannel()
             ? ir::Int8Attr::get(format.getContext(), format.getScales(), format.getZeros(),
                                 1 - format.getAxis())
             : format;
}

static ir::Int8Attr rowsOf(ir::Int8Attr format, const Rows &taken) {
  if (!format || format.getAxis() != 0)
    return format;
  SmallVector<float> scales;
  SmallVector<int32_t> zeros;
  int64_t block = taken.block ? taken.block : taken.count;
  for (int64_t i = 0; i < taken.count; ++i) {
    int64_t row = taken.first + i / block * taken.step + i % block;
    scales.push_back(format.getScales()[row]);
    zeros.push_back(format.getZeros()[row]);
  }
  MLIRContext *context = format.getContext();
  return ir::Int8Attr::get(context, DenseF32ArrayAttr::get(context, scales),
                           DenseI32ArrayAttr::get(context, zeros), 0);
}

Value TaskParameters::read(OpBuilder &builder, Location loc, ElementsAttr value, StringRef name,
                           ir::Int8Attr quantised) {
  if (!value)
    return nullptr;
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(value); resource && !bytesOf(resource))
    return nullptr;
  auto type = RankedTensorType::get(value.getShapedType().getShape(), builder.getF32Type());
  auto use = ir::UseOp::create(builder, loc, type, "");
  if (quantised && !quantised.fits(type.getShape()))
    quantised = nullptr; // in another shape
  readings.push_back({use, value, meaningfulName(name), quantised});
  return use;
}

/// The format of a constant as a matrix: of one with other axes than two only a single scale
/// means the same.
static ir::Int8Attr matrixFormat(const Constant &constant, bool isTransposed) {
  ir::Int8Attr format = constant.quantised;
  if (!format || (format.isPerChannel() && constant.value.getShapedType().getRank() != 2))
    return format && !format.isPerChannel() ? format : nullptr;
  return isTransposed ? transposed(format) : format;
}

Value TaskParameters::matrix(OpBuilder &builder, Location loc, const Constant &constant, bool inOut,
                             int64_t out, int64_t in, StringRef name) {
  bool storedInOut = inOut != constant.transposed;
  return read(builder, loc,
              storedInOut ? store.transposed(constant.value, in, out)
                          : TensorStore::reshaped(constant.value, {out, in}),
              name, matrixFormat(constant, storedInOut));
}

Value TaskParameters::rows(OpBuilder &builder, Location loc, const Constant &constant, bool inOut,
                           int64_t out, int64_t in, const Rows &taken) {
  bool storedInOut = inOut != constant.transposed;
  ElementsAttr whole = storedInOut ? store.transposed(constant.value, in, out) : constant.value;
  ir::Int8Attr format = matrixFormat(constant, storedInOut);
  if (format && !format.fits({out, in}))
    format = nullptr;
  return read(builder, loc, whole ? store.rows(whole, out, in, taken) : nullptr, "",
              rowsOf(format, taken));
}

Value TaskParameters::elements(OpBuilder &builder, Location loc, const Constant &constant,
                               int64_t size, const Rows &taken) {
  ElementsAttr part = store.rows(constant.value, size, 1, taken);
  return read(builder, loc, part ? TensorStore::reshaped(part, {taken.count}) : nullptr, "",
              nullptr);
}

Value TaskParameters::tensor(OpBuilder &builder, Location loc, const Constant &constant,
                             ArrayRef<int64_t> shape, StringRef name) {
  bool sameAxes = constant.value.getShapedType().getShape() == shape;
  ir::Int8Attr format = constant.quantised;
  return read(builder, loc, TensorStore::reshaped(constant.value, shape), name,
              format && (sameAxes || !format.isPerChannel()) ? format : nullptr);
}

//===----------------------------------------------------------------------===//
// Roles and names
//===----------------------------------------------------------------------===//

void TaskParameters::finish(ir::SuiteOp suite, ir::TaskOp task, SymbolTable &symbols) {
  std::optional<WithoutRounding> bypassed(task);
  Structure structure(task);
  bypassed.reset();
  formAdapters(task, structure);
  bypassed.emplace(task);
  Purposes purposes(task, structure);
  // The name in the file says nothing where an exporter merged equal tensors of several roles.
  llvm::DenseMap<Attribute, ir::Role> roleOf;
  llvm::DenseSet<Attribute> severalRoles;
  SmallVector<Purpose> found;
  for (Reading &reading : readings) {
    OpOperand &use = *reading.use->getUses().begin();
    ir::LinearOp product = bypassed->productBehind(use.getOwner());
    found.push_back(purposes.of(product ? product->getOpOperand(1) : use));
    if (StringRef(found.back().name).ends_with("_weight") && product)
      found.back().name = StringRef(found.back().name).drop_back(6).str() + "bias";
    auto [entry, isNew] = roleOf.try_emplace(reading.value, found.back().role);
    if (entry->second != found.back().role)
      severalRoles.insert(reading.value);
  }
  bypassed.reset();
  // Nor where it was taken from such a tensor for several others.
  std::map<std::string, llvm::DenseSet<Attribute>> named;
  for (const Reading &reading : readings)
    named[reading.name].insert(reading.value);
  std::map<std::pair<const void *, ir::Role>, ir::UseOp> made;
  OpBuilder builder(task);
  for (auto [reading, purpose] : llvm::zip_equal(readings, found)) {
    ir::UseOp &first = made[{reading.value.getAsOpaquePointer(), purpose.role}];
    if (first) {
      reading.use.replaceAllUsesWith(first.getResult());
      reading.use.erase();
      continue;
    }
    first = reading.use;
    std::string name = reading.name;
    if (severalRoles.contains(reading.value) || named[name].size() > 1)
      name.clear();
    if (name.empty())
      name = purpose.name.empty() ? "parameter" : purpose.name;
    if (symbols.lookup(name))
      name = (task.getSymName() + "." + name).str();
    auto type = cast<RankedTensorType>(reading.use.getResult().getType());
    auto param = ir::ParamOp::create(
        builder, reading.use.getLoc(), name, type, reading.value,
        ir::RoleAttr::get(builder.getContext(), purpose.role), /*sharing=*/nullptr,
        /*tasks=*/nullptr,
        builder.getI64IntegerAttr(static_cast<int64_t>(store.hash(reading.value))),
        /*sparsity=*/nullptr, /*format=*/nullptr, reading.quantised);
    symbols.insert(param, Block::iterator(task));
    reading.use.setParamAttr(FlatSymbolRefAttr::get(param.getSymNameAttr()));
  }
}
