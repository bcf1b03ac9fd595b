/// The checks that every sparse map passes, whatever spelled it.
enum SparseMap {
    /// - Throws: `invalidSparseMap` unless the extents ascend, do not overlap, end within the file and
    ///   hold exactly the stored bytes.
    static func validate(
        _ extents: [TarExtent], sizeBytes: Int64, storedSizeBytes: Int64
    ) throws(TarError) {
        var end: Int64 = 0
        var stored: Int64 = 0
        for extent in extents {
            guard extent.offset >= end, extent.sizeBytes >= 0, extent.offset <= sizeBytes,
                extent.sizeBytes <= sizeBytes - extent.offset
            else {
                throw TarError(
                    .invalidSparseMap, "a sparse map's extents overlap or leave the file")
            }
            end = extent.offset + extent.sizeBytes
            // Disjoint extents within the size add up to the size at most.
            stored += extent.sizeBytes
        }
        guard stored == storedSizeBytes else {
            throw TarError(
                .invalidSparseMap,
                "a sparse map describes \(stored) bytes and the archive holds \(storedSizeBytes)")
        }
    }

    /// Adds the extents of an old GNU header's or extension block's map: pairs of numeric fields, to
    /// the first that is empty.
    static func append(
        gnuFields: Span<UInt8>, to extents: inout [TarExtent], limits: TarLimits
    ) throws(TarError) {
        let width = TarLayout.sparseNumberBytes
        for start in stride(from: 0, to: gnuFields.count, by: 2 * width) {
            guard gnuFields[start] != 0 else { return }
            let offset = try TarNumber.field(gnuFields.extracting(start..<(start + width)))
            let size = try TarNumber.field(
                gnuFields.extracting((start + width)..<(start + 2 * width)))
            try append(TarExtent(offset: offset, sizeBytes: size), to: &extents, limits: limits)
        }
    }

    static func append(
        _ extent: TarExtent, to extents: inout [TarExtent], limits: TarLimits
    ) throws(TarError) {
        guard extents.count < limits.sparseExtents else {
            throw TarError(
                .limitExceeded, "a sparse map has more than \(limits.sparseExtents) extents")
        }
        extents.append(extent)
    }
}

/// Reads the sparse map of GNU's pax format 1.0, which stands in front of the data: decimal numbers,
/// one a line, the number of extents first, then offset and size of each, padded to a whole block.
struct SparseMapText: Sendable {
    private(set) var extents: [TarExtent] = []
    private var expected: Int?
    private var offset: Int64?
    private var value: Int64 = 0
    private var digits = 0

    var isComplete: Bool { extents.count == expected }

    /// Takes the next block of the map; what follows the last number is padding.
    mutating func take(_ block: Span<UInt8>, limits: TarLimits) throws(TarError) {
        for index in block.indices {
            guard !isComplete else { return }
            let byte = block[index]
            if TarNumber.isDigit(byte), digits < 19 {
                // 19 digits may exceed Int64.
                let (product, overflow) = value.multipliedReportingOverflow(by: 10)
                let (sum, carry) = product.addingReportingOverflow(Int64(byte & 15))
                guard !overflow, !carry else { throw Self.invalidNumber }
                value = sum
                digits += 1
            } else if byte == UInt8(ascii: "\n"), digits > 0 {
                try takeNumber(value, limits: limits)
                value = 0
                digits = 0
            } else {
                throw Self.invalidNumber
            }
        }
    }

    private mutating func takeNumber(_ number: Int64, limits: TarLimits) throws(TarError) {
        if expected == nil {
            guard number <= limits.sparseExtents else {
                throw TarError(
                    .limitExceeded, "a sparse map has more than \(limits.sparseExtents) extents")
            }
            expected = Int(number)
        } else if let start = offset {
            extents.append(TarExtent(offset: start, sizeBytes: number))
            offset = nil
        } else {
            offset = number
        }
    }

    private static var invalidNumber: TarError {
        TarError(.invalidSparseMap, "a sparse map holds something that is no number")
    }
}
