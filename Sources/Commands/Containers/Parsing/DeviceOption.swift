internal import Store

/// `--device PATH[:PATH][:rwm]`, as Docker reads it.
struct DeviceOption {
    let device: ContainerSettings.ContainerDevice

    init(parsing text: String) throws {
        func invalid(_ reason: String) -> OptionError {
            OptionError(
                "--device", text, reason,
                hint: "write /dev/NAME, /dev/NAME:/dev/OTHER or /dev/NAME:/dev/OTHER:r")
        }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        var container = parts[0]
        var access = "rwm"
        switch parts.count {
        case 1: break
        case 2:
            if Self.isAccess(parts[1]) { access = parts[1] } else { container = parts[1] }
        case 3:
            if !parts[1].isEmpty { container = parts[1] }
            access = parts[2]
        default: throw invalid("invalid device specification")
        }
        guard Self.isAccess(access) else {
            throw invalid("invalid device mode: \(access): it is made of r, w and m")
        }
        for path in [parts[0], container] {
            guard path.hasPrefix("/"), CleanedPath.absolute(path) != "/" else {
                throw invalid("\"\(path)\" is not an absolute path")
            }
        }
        device = .init(
            hostPath: CleanedPath.absolute(parts[0]),
            containerPath: CleanedPath.absolute(container), access: access)
    }

    private static func isAccess(_ text: String) -> Bool {
        !text.isEmpty && text.allSatisfy { "rwm".contains($0) } && Set(text).count == text.count
    }
}
