internal import LinuxIO

/// A file that the user names as the value of an option.
package enum GivenFile {
    /// - Throws: ``EngineError`` that says what is wrong with it, but not its name.
    package static func content(of path: String, maximumBytes: Int) throws -> [UInt8] {
        do throws(Errno) {
            let file = try OwnedDescriptor(opening: path, .readOnly)
            return try DescriptorIO.readAll(file.rawValue, limit: maximumBytes)
        } catch .notFound {
            throw EngineError(.notFound, "no such file")
        } catch .tooLarge {
            throw EngineError(.invalid, "the file is larger than \(maximumBytes >> 20) MiB")
        } catch {
            throw EngineError(.failed, "the file cannot be read: \(error)")
        }
    }
}
