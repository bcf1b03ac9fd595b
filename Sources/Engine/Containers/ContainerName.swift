/// Names of containers: as users write them, and in Docker's form `adjective_surname` for those that
/// were given none.
enum ContainerName {
    /// Without the slash that Docker's names begin with, and those that `inspect` tells.
    static func plain(_ text: String) -> String {
        text.hasPrefix("/") ? String(text.dropFirst()) : text
    }

    private static let adjectives = """
        agile amber ample ardent astute balmy blithe bold brave breezy bright brisk calm candid \
        careful cheerful chipper civil clear clever cosy crisp curious daring deft eager earnest \
        easy elegant fair fearless festive fine fleet fond frank fresh gallant gentle glad golden \
        graceful grand hardy hearty honest hopeful humble jolly jovial keen kind lively lucid \
        lucky mellow merry mild modest neat nimble noble patient placid plucky polite proud quick \
        quiet ready robust serene sincere smart snug sober steady stoic sunny swift tender tidy \
        tranquil trusty upbeat vivid warm wise witty zesty
        """.split(separator: " ").map(String.init)

    /// People who found out how things are.
    private static let surnames = """
        abel agnesi alhazen ampere anning archimedes avogadro babbage bardeen becquerel bernoulli \
        bohr boltzmann boole bose brahe cannon cantor carnot carson cauchy cavendish chandrasekhar \
        copernicus coulomb curie dalton darwin descartes dirac doppler edison einstein euclid euler \
        faraday fermat fermi feynman fibonacci fourier franklin galileo galois gauss germain goodall \
        hamilton heisenberg hertz hilbert hodgkin hooke hopper hubble humboldt huygens hypatia \
        joule kepler khayyam klein kovalevskaya lagrange laplace lavoisier leavitt leibniz linnaeus \
        lovelace mach maxwell mayer mcclintock meitner mendel mendeleev merian mitchell napier \
        newton noether nightingale ohm pascal pasteur pauli planck poincare ptolemy pythagoras \
        ramanujan rayleigh riemann rontgen rutherford sagan schrodinger shannon somerville tesla \
        thales torricelli turing volta wallace watt wien wu yalow yukawa
        """.split(separator: " ").map(String.init)

    /// - Parameter attempt: from 1; later ones have a digit at their end, too.
    static func random(
        attempt: Int, using random: inout some RandomNumberGenerator
    ) -> String {
        let words = [adjectives, surnames].compactMap { $0.randomElement(using: &random) }
        let name = words.joined(separator: "_")
        if attempt <= plainAttempts { return name }
        return name + String(Int.random(in: 0..<10, using: &random))
    }

    /// Of more than ten thousand names so many in a row are seldom taken.
    private static let plainAttempts = 5
}
