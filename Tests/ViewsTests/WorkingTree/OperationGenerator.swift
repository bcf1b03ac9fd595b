import Glibc

/// The same random steps for the same seed (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }
}

/// Makes random operations on a few names, so that they meet.
struct OperationGenerator {
    private var random: SeededGenerator

    static let attributeNames = [
        "user.a", "trusted.b", "security.capability", "system.posix_acl_access",
        "system.posix_acl_default",
    ]
    private static let names = ["a", "b", "c", ".wh.a", "ü"]

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    mutating func chance(_ denominator: Int) -> Bool {
        Int.random(in: 0..<denominator, using: &random) == 0
    }

    private mutating func number(_ range: Range<Int>) -> Int {
        Int.random(in: range, using: &random)
    }

    private mutating func pick<T>(_ values: [T]) -> T { values[number(0..<values.count)] }

    private mutating func path() -> String {
        let depth = pick([1, 1, 1, 2, 2, 2, 3])
        return (0..<depth).map { _ in pick(Self.names) }.joined(separator: "/")
    }

    private mutating func bytes() -> [UInt8] {
        let count = chance(40) ? 200_000 : pick([0, 1, 10, 100, 5000])
        let value = UInt8.random(in: 1...255, using: &random)
        return [UInt8](repeating: value, count: count)
    }

    private mutating func offset() -> Int { pick([0, 0, 0, 1, 100, 4096, 10_000, 100_000]) }

    private mutating func mode() -> UInt32 {
        UInt32(pick([0o644, 0o755, 0o777, 0o600, 0o4755, 0o2755, 0o2644, 0o1777, 0o000, 0o6777]))
    }

    mutating func next() -> PosixOperation {
        switch number(0..<100) {
        case 0..<14: .create(path: path(), mode: mode(), exclusive: chance(3))
        case 14..<22: .write(path: path(), offset: offset(), bytes: bytes())
        case 22..<25: .truncate(path: path(), size: offset())
        case 25..<35: .makeDirectory(path: path(), mode: mode())
        case 35..<37: makeNode()
        case 37..<40: .symbolicLink(path: path(), target: "nowhere-\(number(0..<9))")
        case 40..<46: .link(path: path(), to: path())
        case 46..<50: .unlink(path: path())
        case 50..<54: .removeDirectory(path: path())
        case 54..<64: .rename(path: path(), to: path(), flags: UInt32(pick([0, 0, 0, 1, 2])))
        case 64..<84: nextOnAttributes()
        default: nextOnHandles()
        }
    }

    private mutating func makeNode() -> PosixOperation {
        let type = pick([S_IFIFO, S_IFCHR, S_IFBLK, S_IFSOCK, S_IFREG])
        let hasDevice = type == S_IFCHR || type == S_IFBLK
        let device: UInt64 = hasDevice ? pick([0, 0x103, 0x12345, 0x0801]) : 0
        return .makeNode(path: path(), mode: type | mode(), device: device)
    }

    private mutating func nextOnAttributes() -> PosixOperation {
        switch number(0..<10) {
        case 0, 1: .changeMode(path: path(), mode: mode())
        case 2: changeOwner()
        case 3:
            .setModificationTime(path: path(), seconds: chance(3) ? nil : number(0..<900_000_000))
        case 4, 5: setAttribute()
        case 6: .removeAttribute(path: path(), name: pick(Self.attributeNames))
        case 7: .attribute(path: path(), name: pick(Self.attributeNames))
        case 8: .read(path: path())
        default: chance(2) ? .status(path: path()) : .list(path: path())
        }
    }

    private mutating func changeOwner() -> PosixOperation {
        let user: UInt32? = chance(2) ? UInt32(number(0..<3)) : nil
        let group: UInt32? = user == nil || chance(2) ? UInt32(number(0..<3)) : nil
        return .changeOwner(path: path(), user: user, group: group)
    }

    private mutating func setAttribute() -> PosixOperation {
        let name = pick(Self.attributeNames)
        let value: [UInt8]
        switch name {
        case "security.capability":
            // Revision 2, as `setcap` writes it.
            value = [0, 0, 0, 2, UInt8(number(1..<200))] + [UInt8](repeating: 0, count: 15)
        case "system.posix_acl_access", "system.posix_acl_default": value = accessControlList()
        default: value = [UInt8](repeating: 7, count: pick([0, 1, 20, 500]))
        }
        let isList = name.hasPrefix("system")
        return .setAttribute(
            path: path(), name: name, value: value, flags: isList ? 0 : pick([0, 0, 0, 1, 2]))
    }

    private mutating func accessControlList() -> [UInt8] {
        func entry(_ tag: UInt8, _ permissions: Int, _ identifier: UInt8?) -> [UInt8] {
            [tag, 0, UInt8(permissions), 0]
                + (identifier.map { [$0, 0, 0, 0] } ?? [255, 255, 255, 255])
        }
        var list: [UInt8] = [2, 0, 0, 0]
        let isTrivial = chance(3)
        list += entry(0x01, number(0..<8), nil)
        if !isTrivial { list += entry(0x02, number(0..<8), 9) }
        list += entry(0x04, number(0..<8), nil)
        if !isTrivial && chance(2) { list += entry(0x08, number(0..<8), 11) }
        if !isTrivial { list += entry(0x10, number(0..<8), nil) }
        return list + entry(0x20, number(0..<8), nil)
    }

    private mutating func nextOnHandles() -> PosixOperation {
        let handle = number(0..<4)
        switch number(0..<12) {
        case 0, 1: return .close(handle: handle)
        case 2, 3, 4:
            let writes = chance(2)
            return .open(
                handle: handle, path: path(), writes: writes, truncates: writes && chance(3))
        case 5, 6: return .writeHandle(handle: handle, offset: offset(), bytes: bytes())
        case 7: return .truncateHandle(handle: handle, size: offset())
        case 8:
            return .allocate(
                handle: handle, mode: pick([0, 1, 3, 16, 17]), offset: offset(),
                length: pick([1, 4096, 20_000]))
        case 9, 10: return .readHandle(handle: handle)
        default: return .statusOfHandle(handle: handle)
        }
    }
}
