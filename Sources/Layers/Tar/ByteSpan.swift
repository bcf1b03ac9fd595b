// Copies between spans and arrays: the only place of the codec that touches a pointer.

extension [UInt8] {
    init(copying span: Span<UInt8>) {
        self = unsafe span.withUnsafeBufferPointer { unsafe Array($0) }
    }

    mutating func append(copying span: Span<UInt8>) {
        unsafe span.withUnsafeBufferPointer { unsafe append(contentsOf: $0) }
    }
}

extension Span<UInt8> {
    func firstIndex(of byte: UInt8) -> Int? {
        for index in indices where self[index] == byte {
            return index
        }
        return nil
    }

    func starts(with prefix: [UInt8]) -> Bool {
        guard count >= prefix.count else { return false }
        for index in prefix.indices where self[index] != prefix[index] {
            return false
        }
        return true
    }

    func equals(_ bytes: [UInt8]) -> Bool {
        count == bytes.count && starts(with: bytes)
    }

    /// The bytes before the first NUL, or all of them: how a header block holds text.
    func textField() -> [UInt8] {
        [UInt8](copying: extracting(0..<(firstIndex(of: 0) ?? count)))
    }
}
