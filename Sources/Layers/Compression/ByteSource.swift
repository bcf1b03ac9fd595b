/// Where a stream's bytes come from: a descriptor, a download, a test's array.
package protocol ByteSource {
    /// Appends the next bytes of the stream, as many as are at hand and fit; none means the end.
    ///
    /// May block. Not called again after the end or after it threw.
    mutating func read(into buffer: inout OutputSpan<UInt8>) throws
}
