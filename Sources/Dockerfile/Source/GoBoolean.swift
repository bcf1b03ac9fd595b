/// What Go's `strconv.ParseBool` takes, and with it the flags and options of Docker's programs.
package enum GoBoolean {
    /// - Returns: nil for what is neither true nor false.
    package static func parse(_ text: some StringProtocol) -> Bool? {
        switch text {
        case "1", "t", "T", "true", "TRUE", "True": true
        case "0", "f", "F", "false", "FALSE", "False": false
        default: nil
        }
    }
}
