internal import Glibc

/// The command line of this process.
package enum ProcessArguments {
    /// Without the name of the program, as they came: `CommandLine.arguments` rewrites what is no UTF-8.
    package static var bytes: [[UInt8]] {
        (1..<max(1, Int(CommandLine.argc))).compactMap { index in
            unsafe CommandLine.unsafeArgv[index].map { text in
                let length = unsafe strlen(text)
                return unsafe Array(UnsafeRawBufferPointer(start: text, count: length))
            }
        }
    }
}
