extension ArraySlice<UInt8> {
    /// The shortest path that means the same, by text alone: Go's `filepath.Clean`. Empty becomes
    /// `.`; a rooted path stays rooted.
    func cleanedPath() -> [UInt8] {
        let isRooted = first == UInt8(ascii: "/")
        var names: [ArraySlice<UInt8>] = []
        for name in split(separator: UInt8(ascii: "/")) {
            if name.elementsEqual(".".utf8) { continue }
            guard name.elementsEqual("..".utf8) else {
                names.append(name)
                continue
            }
            if let last = names.last, !last.elementsEqual("..".utf8) {
                names.removeLast()
            } else if !isRooted {
                names.append(name)
            }
        }
        let joined = Array(names.joined(separator: CollectionOfOne(UInt8(ascii: "/"))))
        if isRooted { return [UInt8(ascii: "/")] + joined }
        return joined.isEmpty ? [UInt8(ascii: ".")] : joined
    }
}
