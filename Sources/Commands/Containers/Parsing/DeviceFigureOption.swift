internal import Builder
internal import Dockerfile
internal import Store

/// `PATH:FIGURE` of a block device, as Docker reads it.
struct DeviceFigureOption {
    enum Kind { case weight, bytes, operations }

    let figure: ContainerSettings.DeviceFigure

    init(parsing text: String, of option: String, _ kind: Kind) throws {
        guard let colon = text.firstIndex(of: ":"), colon != text.startIndex else {
            throw OptionError(option, text, "bad format: \(text)", hint: "write /dev/sda:FIGURE")
        }
        let path = String(text[..<colon])
        guard path.hasPrefix("/dev/") else {
            throw OptionError(
                option, text, "bad format for device path: \(text)",
                hint: "it is one below /dev, such as /dev/sda")
        }
        let value = String(text[text.index(after: colon)...])
        guard let number = Self.number(value, kind) else {
            throw OptionError(option, text, Self.reason(text, kind))
        }
        figure = .init(path: path, figure: number)
    }

    private static func number(_ text: String, _ kind: Kind) -> UInt64? {
        switch kind {
        case .bytes: return ByteSize.parse(text).flatMap { UInt64(exactly: $0) }
        case .weight:
            guard isNumber(text), let weight = UInt64(text),
                weight == 0 || (10...1000).contains(weight)
            else { return nil }
            return weight
        case .operations: return isNumber(text) ? UInt64(text) : nil
        }
    }

    private static func isNumber(_ text: String) -> Bool {
        text.utf8.allSatisfy { (48...57).contains($0) }
    }

    private static func reason(_ text: String, _ kind: Kind) -> String {
        switch kind {
        case .weight: "invalid weight for device: \(text)"
        case .bytes:
            "invalid rate for device: \(text). The correct format is "
                + "<device-path>:<number>[<unit>]. Number must be a positive integer. Unit is "
                + "optional and can be kb, mb, or gb"
        case .operations:
            "invalid rate for device: \(text). The correct format is <device-path>:<number>. "
                + "Number must be a positive integer"
        }
    }
}
