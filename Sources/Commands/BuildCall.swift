internal import ArgumentParser

/// What `build --call` asks for instead of a build: `METHOD[,format=json]`, as buildx has it.
struct BuildCall: ExpressibleByArgument, Equatable {
    enum Method: String, CaseIterable {
        case build, check, outline, targets
    }

    var method: Method
    var isJSON = false
    /// Whether findings leave the exit code 0.
    var ignoresStatus = false

    init(_ method: Method) { self.method = method }

    init?(argument: String) {
        let words = argument.split(separator: ",", omittingEmptySubsequences: false)
        let name = words.first == "lint" ? "check" : words.first.map(String.init) ?? ""
        guard let method = Method(rawValue: name) else { return nil }
        self.method = method
        for word in words.dropFirst() {
            switch word {
            case "format=json": isJSON = true
            case "format=table", "format=text": isJSON = false
            case "ignorestatus", "ignorestatus=true": ignoresStatus = true
            case "ignorestatus=false": ignoresStatus = false
            default: return nil
            }
        }
    }

    static var allValueStrings: [String] { Method.allCases.map(\.rawValue) }
}
