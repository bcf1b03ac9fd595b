/// What a `TarReader` tells about a stream, in the stream's order.
///
/// The bytes given to `literal` and `body`, in the order of the calls, are the stream itself, each
/// byte once: who records `literal` bytes as they are and `body` bytes by digest can rebuild it.
///
///     literal…                extension headers, the entry's header, its sparse map
///     begin(entry)
///     body…                   the stored bytes: a sparse file's data extents, packed
///     end()
///     literal…                padding; the next headers; the end marker and what follows it
///
/// Spans are borrowed for the call. Anything thrown ends the reading and reaches the caller of
/// `feed` unchanged.
package protocol TarConsumer: ~Copyable {
    /// Bytes that are no file's content.
    mutating func literal(_ bytes: Span<UInt8>) throws
    /// An entry begins; `entry.storedSizeBytes` bytes of body follow, then `end()`.
    mutating func begin(_ entry: TarEntry) throws
    /// The next bytes of the entry's body; never empty.
    mutating func body(_ bytes: Span<UInt8>) throws
    /// The entry's body is complete.
    mutating func end() throws
}
