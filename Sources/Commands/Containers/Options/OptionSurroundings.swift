internal import Engine
internal import Foundation

/// What options refer to: the caller's variables, directory and files.
struct OptionSurroundings {
    var environment: [String: String]
    /// A path made absolute.
    var absolute: (String) throws -> String
    /// The content of a file.
    var read: (String) throws -> [UInt8]
    /// How many processors there are.
    var processors: Int
    /// Says something beside the result.
    var note: (String) -> Void

    /// Those of this process.
    static var own: OptionSurroundings {
        OptionSurroundings(
            environment: ProcessInfo.processInfo.environment,
            absolute: { try StoreLocation.absolute($0) },
            read: { try GivenFile.content(of: $0, maximumBytes: maximumBytes) },
            processors: ProcessInfo.processInfo.activeProcessorCount,
            note: { Terminal.note($0) })
    }

    /// Of a file that an option names; real ones have some kilobytes.
    private static let maximumBytes = 16 << 20

    /// - Throws: ``OptionError``.
    func content(of path: String, for option: String) throws -> [UInt8] {
        do {
            return try read(try absolute(path))
        } catch let error as EngineError {
            throw OptionError(option, path, error.message, hint: error.hint)
        } catch {
            throw OptionError(
                option, path, "the file cannot be read: \(error.localizedDescription)")
        }
    }
}
