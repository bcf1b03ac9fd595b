/// Where a stream's bytes go.
package protocol ByteSink {
    /// Takes all of the bytes, or throws. May block.
    mutating func write(_ bytes: Span<UInt8>) throws
}
